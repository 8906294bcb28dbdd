# pid1-lib.sh - systemd as PID 1, for a test script: sourced after tests/lib.sh.
#
#   pid1_need NAME          root, the programs and the file systems that it takes, or a skip; the product is
#                           installed below $root, a layer over the host's files
#   pid1_mask UNIT...       units that are not to run
#   pid1_boot               it runs, and $inside is its process
#   run COMMAND...          in it, as root
#   until_true SECONDS COMMAND...   check NAME COMMAND...

pid1_name=
cannot() {
        skip "$pid1_name" "$1"
        finish
}

pid1_cleanup() {
        local cgroup pid
        if [ -n "$inside" ]; then
                kill -s RTMIN+4 "$inside" 2>/dev/null # poweroff
                for _ in $(seq 50); do [ -e "/proc/$inside" ] || break; sleep 0.1; done
        fi
        pid=$(cat "$layer/pid" 2>/dev/null) && kill -KILL "$pid" 2>/dev/null
        [ -n "$inside" ] && kill -KILL "$inside" 2>/dev/null
        sleep 0.2
        cgroup=$(cat "$layer/cgroup" 2>/dev/null)
        [ -n "$cgroup" ] && find "$cgroup" -depth -type d -exec rmdir {} \; 2>/dev/null
        umount -l "$layer/root" 2>/dev/null
        umount -l "$layer" 2>/dev/null
        rmdir "$layer" 2>/dev/null
}

pid1_mask() {
        local unit
        for unit; do
                case $unit in *.*) ;; *) unit=$unit.service ;; esac
                ln -sf /dev/null "$systemd/$unit"
        done
}

pid1_need() {
        local program
        pid1_name=$1
        [ "$(id -u)" -eq 0 ] || cannot "only root can start one"
        [ -x /lib/systemd/systemd ] || cannot "there is no systemd"
        for program in findmnt nsenter unshare pivot_root python3 ip; do
                command -v $program >/dev/null || cannot "there is no $program"
        done
        [ -n "$(findmnt -n -t cgroup2)" ] || cannot "there is no cgroup2"
        grep -q fsanitize "$build/config.log" 2>/dev/null && grep -q -- --enable-sanitizers "$build/config.log" &&
                cannot "programs with sanitizers ask for more than the service may"
        here=$(cd "$srcdir" && pwd)
        layer=$(mktemp -d)
        inside=
        trap pid1_cleanup EXIT
        mount -t tmpfs -o mode=755 tmpfs "$layer" 2>/dev/null || cannot "no tmpfs can be mounted"
        mkdir "$layer/root" "$layer/upper" "$layer/work"
        mount -t overlay -o "lowerdir=/,upperdir=$layer/upper,workdir=$layer/work" overlay "$layer/root" 2>/dev/null ||
                cannot "no overlay of / can be mounted"
        root=$layer/root
        make -C "$build" install DESTDIR="$root" >"$layer/install" 2>&1 ||
                cannot "make install: $(tail -n 1 "$layer/install")"
        prefix=$(sed -n 's/^prefix = //p' "$build/Makefile")
        systemd=$root/etc/systemd/system
        pid1_mask systemd-sysctl systemd-udevd systemd-udev-trigger systemd-udevd-control.socket \
                systemd-udevd-kernel.socket console-getty systemd-modules-load systemd-binfmt systemd-random-seed \
                systemd-firstboot systemd-tmpfiles-setup systemd-timesyncd systemd-networkd systemd-resolved
        # A target of little else.
        printf '[Unit]\nRequires=basic.target\nAfter=basic.target\nAllowIsolate=yes\n' >"$systemd/nacelle-test.target"
}

pid1_boot() {
        setsid bash "$here/tests/daemon/pid1.sh" "$layer" >"$layer/log" 2>&1 </dev/null &
        for _ in $(seq 100); do
                [ -s "$layer/pid" ] && inside=$(pgrep -P "$(cat "$layer/pid")" | head -n 1)
                [ -n "$inside" ] && break
                sleep 0.1
        done
        [ -n "$inside" ] || cannot "namespaces: $(tail -n 2 "$layer/log")"
        until_true 30 run systemctl is-active nacelle-test.target ||
                cannot "systemd did not come up: $(tail -n 2 "$layer/log")"
}

run() { nsenter -t "$inside" -a env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@"; }
until_true() {
        local end=$((SECONDS + $1))
        shift
        while ! "$@" >/dev/null 2>&1; do
                [ $SECONDS -lt $end ] || return 1
                sleep 0.1
        done
}
check() {
        local name=$1
        shift
        if "$@" >"$layer/said" 2>&1; then ok "$name"; else
                bad "$name" "$(tail -n 3 "$layer/said"; run journalctl -n 5 --no-pager -o cat 2>/dev/null)"; fi
}
