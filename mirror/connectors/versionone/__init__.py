"""VersionOne, now Digital.ai Agility: meta.v1, query.v1 and rest-1.v1."""
