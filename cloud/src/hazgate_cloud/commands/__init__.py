"""Commands of hazgate-cloud that stand in files of their own; cli.py puts them together."""
