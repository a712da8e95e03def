"""Kill, power cut, full and failing disk, damage: what the journal keeps of what it has said."""
