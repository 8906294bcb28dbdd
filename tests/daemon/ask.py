#!/usr/bin/env python3
# ask.py SOCKET MESSAGE - send bytes (with \0 and \xNN as in C) to the control socket, print what comes back.
import socket, sys

sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
sock.settimeout(5)
sock.connect(sys.argv[1])
try:
    sock.sendall(sys.argv[2].encode('latin-1').decode('unicode_escape').encode('latin-1'))
    answer = b''
    while not answer.endswith(b'\0'):
        some = sock.recv(65536)
        if not some:
            answer += b'[closed]'
            break
        answer += some
    print(answer.replace(b'\0', b'\n').decode())
except (BrokenPipeError, ConnectionResetError):
    print('[closed]')
