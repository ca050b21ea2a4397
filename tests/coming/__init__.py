"""Tests of the pages for users of other toolkits: their examples run beside ours, and no name of theirs is missing."""
