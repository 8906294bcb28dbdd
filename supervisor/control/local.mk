# The control protocol: varlink over a socket of the file system.
