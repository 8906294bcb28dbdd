#!/usr/bin/env python3
# manager.py SOCKET SECONDS - a service manager's ear: prints what comes, and what files with it.
import array, os, socket, sys, time

path, until = sys.argv[1], time.monotonic() + float(sys.argv[2])
sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
sock.bind(path)
os.chmod(path, 0o777)
while time.monotonic() < until:
    sock.settimeout(max(0.01, until - time.monotonic()))
    try:
        text, control, _, _ = sock.recvmsg(4096, socket.CMSG_SPACE(64 * 4))
    except TimeoutError:
        break
    files = 0
    for level, kind, data in control:
        if kind == socket.SCM_RIGHTS:
            numbers = array.array('i', data[:len(data) // 4 * 4])
            files += len(numbers)
            for fd in numbers:
                os.close(fd)
    print(text.decode().replace('\n', ' '), 'files=%d' % files, flush=True)
