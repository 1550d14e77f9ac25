"""What steps in a cluster write: read from their pods while there are some, and from the kept log afterwards."""
