"""A limited child process in which what strangers wrote is carried out."""
