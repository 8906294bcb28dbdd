"""echo-client.py PORT COUNT BYTES - COUNT connections at once, each sends BYTES bytes of its own and
wants them back. Prints "good", and the throughput, or what went wrong."""
import selectors
import socket
import sys
import time

port, count, size = (int(a) for a in sys.argv[1:4])
selector = selectors.DefaultSelector()
deadline = time.monotonic() + 120
start = time.monotonic()
left = count
for number in range(count):
    while True:
        try:
            s = socket.create_connection(("127.0.0.1", port), timeout=10)
            break
        except ConnectionRefusedError:
            if time.monotonic() > start + 20:
                sys.exit("nobody listens")
            time.sleep(0.02)
    s.setblocking(False)
    data = (b"%07d " % number) * (size // 8)
    selector.register(s, selectors.EVENT_READ | selectors.EVENT_WRITE, [data, 0, bytearray()])
while left:
    if time.monotonic() > deadline:
        sys.exit(f"{left} connections were never answered")
    for key, events in selector.select(1):
        s, (data, sent, got) = key.fileobj, key.data
        if events & selectors.EVENT_WRITE and sent < len(data):
            key.data[1] = sent = sent + s.send(data[sent:sent + 65536])
            if sent == len(data):
                s.shutdown(socket.SHUT_WR)
                selector.modify(s, selectors.EVENT_READ, key.data)
        if events & selectors.EVENT_READ:
            part = s.recv(65536)
            got += part
            if not part:
                if got != data:
                    sys.exit(f"a connection got {len(got)} bytes back of {len(data)}, or other ones")
                selector.unregister(s)
                s.close()
                left -= 1
seconds = time.monotonic() - start
print(f"good {count * size / seconds / 1e6:.1f} MB/s each way")
