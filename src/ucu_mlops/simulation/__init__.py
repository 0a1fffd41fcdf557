"""A seeded platform with users, scammers and moderators, for when no real one is at hand."""
