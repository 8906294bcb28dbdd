#!/bin/bash
# pid1.sh LAYER - systemd as PID 1 of namespaces of its own, over the host's files, which stay as they are: what
# it writes goes to the tmpfs LAYER. Run by root with setsid; LAYER/pid gets the process number of its parent.
#
# /proc/sys and /sys are read-only: PID 1 and systemd-sysctl would change the host's.
layer=${1:?}
cgroups=$(findmnt -n -o TARGET -t cgroup2 | head -n 1)
cgroup=$cgroups/nacelle-test-$$
mkdir "$cgroup" || exit 1
echo $$ >"$cgroup/cgroup.procs" || exit 1
echo "$cgroup" >"$layer/cgroup"
echo $$ >"$layer/pid"
exec unshare -mpfiuCn --propagation private bash -c '
set -e
layer=$0
root=$layer/root
cd "$root"
mount -t proc proc proc
mount --bind proc/sys proc/sys
mount -o remount,bind,ro proc/sys
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs -o mode=1777 tmpfs tmp
mount -t tmpfs -o mode=755 tmpfs dev
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts dev/pts
ln -s pts/ptmx dev/ptmx
for node in null:1:3 zero:1:5 full:1:7 random:1:8 urandom:1:9 tty:5:0; do
        IFS=: read -r name major minor <<<"$node"
        mknod -m 666 "dev/$name" c "$major" "$minor"
done
ln -s /proc/self/fd dev/fd
mount -t tmpfs -o mode=1777 tmpfs dev/shm
mkdir -p .old
pivot_root . .old
exec env -i container=nacelle PATH=/usr/sbin:/usr/bin:/sbin:/bin /bin/sh -c "
        umount -l /.old; ip link set lo up; exec /lib/systemd/systemd --unit=nacelle-test.target" sd
' "$layer"
