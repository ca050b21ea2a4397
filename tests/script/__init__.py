"""Tests of the records that scripts work with."""
