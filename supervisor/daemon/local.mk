# nacelled: units, cells, and the sockets through which it is asked.
