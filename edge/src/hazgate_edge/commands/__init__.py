"""What the command line does besides running: each command one file, each answering an exit status."""
