# things.sh - what a container has: files, a user, a network, a terminal, limits. Part of test-bundle.

files() {
        mkdir -p "$work/ro" "$work/rw" "$work/files/rootfs/dir"
        echo from-outside >"$work/ro/f"
        echo inside >"$work/files/rootfs/dir/f"
        local mounts="c['mounts'] = [
 {'destination': '/ro', 'type': 'bind', 'source': '$work/ro', 'options': ['rbind', 'ro']},
 {'destination': '/rw', 'type': 'bind', 'source': '$work/rw', 'options': ['rbind', 'rw']}]"
        run_it files "['cat', '/dir/f']"
        is "a file of the rootfs" "$said" inside
        run_it files "['put', '/dir/g', 'x']"
        like "a rootfs that is read-only" "$said $how" '/dir/g: .* exit 1'
        run_it files "['put', '/dir/g', 'x']" "c['root']['readonly'] = False"
        is "one that is not" "$how $(cat "$work/files/rootfs/dir/g")" "exit 0 x"
        run_it files "['cat', '/ro/f']" "$mounts"
        is "a directory from outside, to read" "$said" from-outside
        run_it files "['put', '/ro/f', 'x']" "$mounts"
        like "and not to write" "$said $how" '/ro/f: .* exit 1'
        run_it files "['put', '/rw/f', 'written']" "$mounts"
        is "another to write" "$how $(cat "$work/rw/f")" "exit 0 written"
        ln -sf ../../../../../../../etc/passwd "$work/files/rootfs/up"
        run_it files "['cat', '/up']"
        like "a link does not lead out" "$said $how" '/up: .* exit 1'
        run_it files "['cwd']"
        is "it begins in /" "$said" /
}

users() {
        if [ "$(id -u)" -ne 0 ]; then
                skip "the user of a container" "only root can be another"
                return
        fi
        local user="c['process']['user'] = {'uid': 12345, 'gid': 12346, 'additionalGids': [12347]}; c['root']['readonly'] = False"
        bundle user "['sleep', '60']" "$user"
        mkdir -p "$work/user/rootfs/own" "$work/user/rootfs/group" "$work/user/rootfs/roots"
        chown 12345 "$work/user/rootfs/own"
        chown 0:12347 "$work/user/rootfs/group"
        chmod 770 "$work/user/rootfs/group"
        oci create -b "$work/user" --pid-file "$work/pid" user >/dev/null </dev/null || { bad "a user" "not created"; return; }
        local pid
        pid=$(cat "$work/pid")
        is "its process is the user's" "$(awk '/^Uid/ { print $2, $3, $4, $5 }' "/proc/$pid/status")" "12345 12345 12345 12345"
        is "with its groups" "$(awk '/^Groups/ { print $2 }' "/proc/$pid/status")" 12347
        is "and no capability" "$(awk '/^CapEff/ { print $2 }' "/proc/$pid/status")" 0000000000000000
        oci delete --force user
        run_it user "['put', '/own/f', 'x']" "$user"
        is "it writes what is its own" "$how $(stat -c %u:%g "$work/user/rootfs/own/f")" "exit 0 12345:12346"
        run_it user "['put', '/group/f', 'x']" "$user"
        is "and its group's" "$how" "exit 0"
        run_it user "['put', '/roots/f', 'x']" "$user"
        like "not what is root's" "$said" '/roots/f: Permission denied'
        bundle user "[]" "$user"
        chmod 700 "$work/user/rootfs/guest.wasm"
        like "a module that it may not read" "$(oci create -b "$work/user" user 2>&1 </dev/null)" 'guest.wasm: Permission denied'
        # Engines keep a rootfs below directories of root's alone.
        bundle user "['ls', '/own']" "$user"
        chmod 755 "$work/user/rootfs/guest.wasm"
        chmod 700 "$work/user"
        is "a rootfs below a directory of root's" "$(oci run -b "$work/user" user 2>&1 </dev/null | sort | tail -n 1)" f
        chmod 755 "$work/user"
}

networks() {
        run_it net "['sockets']"
        is "without a key there is no socket" "$said" "0 sockets"
        if [ "$(id -u)" -ne 0 ]; then
                skip "a network namespace" "only root can make one"
                return
        fi
        local pid other
        bundle net "['sleep', '60']"
        oci create -b "$work/net" net >/dev/null </dev/null
        pid=$(made net)
        if [ "$(readlink "/proc/$pid/ns/net")" != "$(readlink /proc/self/ns/net)" ]; then ok "a network of its own"; else
                bad "a network of its own" "it is ours"
        fi
        bundle net2 "['sleep', '60']" "c['linux']['namespaces'] = [{'type': 'network', 'path': '/proc/$pid/ns/net'}]"
        oci create -b "$work/net2" net2 >/dev/null </dev/null
        other=$(made net2)
        is "another's network by its path" "$(readlink "/proc/$other/ns/net")" "$(readlink "/proc/$pid/ns/net")"
        oci delete --force net
        oci delete --force net2
        bundle net3 "['sleep', '60']" "c['linux']['namespaces'] = []"
        oci create -b "$work/net3" net3 >/dev/null </dev/null
        is "the host's network" "$(readlink "/proc/$(made net3)/ns/net")" "$(readlink /proc/self/ns/net)"
        oci delete --force net3
        bundle net3 "[]" "c['linux']['namespaces'] = [{'type': 'network', 'path': '/proc/none'}]"
        like "a path that is not there" "$(oci create -b "$work/net3" net3 2>&1 </dev/null)" 'network namespace.*/proc/none'
}

# The HTTP server of the examples, in the container's own network.
servers() {
        local i
        bundle web "[]" "c['annotations'] = {'io.nacelle.key.web.ListenStream': '127.0.0.1:8081'}"
        if [ "$(id -u)" -ne 0 ]; then
                like "who cannot have a network does not listen in ours" "$(oci create -b "$work/web" web 2>&1 </dev/null)" \
                        'network namespace: Operation not permitted'
                return
        fi
        if [ ! -f "$build/examples/httpd.wasm" ] || ! command -v curl >/dev/null || ! command -v nsenter >/dev/null; then
                skip "a server in a container" "httpd.wasm, curl or nsenter is missing"
                return
        fi
        cp "$build/examples/httpd.wasm" "$work/web/rootfs/guest.wasm"
        oci create -b "$work/web" web >/dev/null </dev/null || { bad "a server in a container" "not created"; return; }
        oci start web
        for i in {1..50}; do
                nsenter -t "$(made web)" -n curl -sf -o "$work/answer" http://127.0.0.1:8081/ && break
                sleep 0.1
        done
        is "a server answers in the container's network" "$(wc -l <"$work/answer")" 1
        is "and not in ours" "$(curl -s -m 2 http://127.0.0.1:8081/; echo $?)" 7
        oci delete --force web
}

# An engine's end: takes the master from the socket, prints what comes out of it.
terminals() {
        bundle term "['tty']" "c['process']['terminal'] = True; c['process']['consoleSize'] = {'height': 30, 'width': 100}"
        python3 - "$work/console" >"$work/screen" <<'END' &
import array, fcntl, os, socket, struct, sys, termios
s = socket.socket(socket.AF_UNIX)
s.bind(sys.argv[1])
s.listen()
c, _ = s.accept()
_, fds, _, _ = socket.recv_fds(c, 100, 1)
out = b""
try:
    while True:
        got = os.read(fds[0], 1000)
        if not got:
            break
        out += got
except OSError:
    pass
print(struct.unpack("HHHH", fcntl.ioctl(fds[0], termios.TIOCGWINSZ, bytes(8)))[:2], out)
END
        local engine=$!
        for _ in {1..100}; do [ -S "$work/console" ] && break; sleep 0.05; done
        oci run -b "$work/term" --console-socket "$work/console" term >"$work/out" 2>&1 </dev/null
        wait $engine
        is "a terminal, and its size" "$(cat "$work/screen")" "(30, 100) b'terminal 1 1\\r\\n'"
        like "a socket where nobody listens" \
                "$(oci create -b "$work/term" --console-socket "$work/console" term 2>&1 </dev/null)" 'terminal: .*refused'
}

limits() {
        run_it mem "['grow', '200']" "c['linux']['resources'] = {'memory': {'limit': 64 << 20}}"
        like "a limit of memory without a control group" "$said $how" 'no memory after [0-9]+ MiB exit 3'
        if [ "$(id -u)" -ne 0 ] || [ ! -w /sys/fs/cgroup ]; then
                skip "control groups of a container" "they cannot be written here"
                return
        fi
        bundle group "['sleep', '60']" "c['linux']['cgroupsPath'] = '$groups/group'
c['linux']['resources'] = {'memory': {'limit': 64 << 20}, 'pids': {'limit': 50}, 'cpu': {'shares': 512}}"
        oci create -b "$work/group" group >/dev/null </dev/null || { bad "a control group" "not created"; return; }
        like "its control group" "$(cat "/proc/$(made group)/cgroup")" "$groups/group"
        is "has its limit" "$(find /sys/fs/cgroup -maxdepth 4 -path "*$groups/group/memory.limit_in_bytes" -exec cat {} \; \
                -o -maxdepth 4 -path "*$groups/group/memory.max" -exec cat {} \;)" $((64 << 20))
        oci delete --force group
        nothing "it goes with the container" group
}
