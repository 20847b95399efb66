"""The command line: run files in, results directories out."""
