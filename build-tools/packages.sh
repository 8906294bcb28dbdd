# packages.sh - what the scripts need from the distribution, as one table; sourced, not run.
#
#   packages_install GROUP...   install what is missing of these groups; says what it does
#
# A row: group, probe, package on Debian and Ubuntu, package on Fedora and RHEL, what for. A probe
# is cmd:PROGRAM, pc:PKG-CONFIG-MODULE, or file:PATH (| between paths of which one is enough). Only
# the packages whose probe fails are installed. Packages of the group "build" must be had; of the
# others a missing one is said, and the tests that need it are skipped with that reason. -: there is none.

PACKAGE_TABLE='
build     cmd:gcc           gcc                         gcc                  C compiler
build     file:/usr/include/stdio.h  libc6-dev          glibc-devel          C library headers
build     cmd:make          make                        make                 make
build     cmd:autoreconf    autoconf                    autoconf             configure script
build     cmd:automake      automake                    automake             makefiles
build     cmd:pkg-config    pkg-config                  pkgconf-pkg-config   finds libraries
build     pc:libseccomp     libseccomp-dev              libseccomp-devel     system call filter
build     pc:libcap         libcap-dev                  libcap-devel         capabilities
build     pc:liburing       liburing-dev                liburing-devel       io_uring
build     pc:nettle         nettle-dev                  nettle-devel         SHA-256
build     pc:hogweed        nettle-dev                  nettle-devel         Ed25519
build     pc:libgcrypt      libgcrypt20-dev             libgcrypt-devel      BLAKE2b of signatures
build     pc:libxxhash      libxxhash-dev               xxhash-devel         checksums of artefacts
build     pc:json-c         libjson-c-dev               json-c-devel         control protocol
build     pc:libsystemd     libsystemd-dev              systemd-devel        journal and notification
example   cmd:clang-19|clang  clang-19                  clang                compiles the examples to wasm
example   cmd:wasm-ld-19|wasm-ld  lld-19                lld                  links them
example   file:/usr/lib/wasm32-wasi/libc.a|/usr/share/wasi-sysroot/lib/wasm32-wasi/libc.a|/usr/wasm32-wasi/lib/wasm32-wasi/libc.a  wasi-libc  wasi-libc-static  their C library
example   file:/usr/lib/clang/19/lib/wasi|/usr/lib/llvm-19/lib/clang/19/lib/wasi|/usr/lib/clang  libclang-rt-19-dev-wasm32  compiler-rt  their compiler runtime
example   cmd:python3       python3                     python3              makes archives for the unzip example
example   cmd:curl          curl                        curl                 asks the HTTP example
test      pc:check          check                       check-devel          unit tests
test      cmd:minisign      minisign                    minisign             makes signatures for the tests
test      cmd:clang         clang                       clang                second compiler
test      cmd:mandoc|man    mandoc                      mandoc               checks the manual pages
test      cmd:pgrep         procps                      procps-ng            finds processes; kill, for the reload of the unit
test      cmd:strace        strace                      strace               counts system calls
test      cmd:linux.uml     user-mode-linux             -                           a kernel with the control groups that a host may lack
test      cmd:systemd-analyze systemd               systemd              checks the units, and is PID 1 for a test of the service
engine    cmd:containerd    containerd                  containerd           runs containers below it; only where CI is set
real      cmd:node          nodejs                      nodejs               the engine to compare with
real      cmd:npm           npm                         nodejs-npm           fetches big wasm programs
peak      cmd:llvm-config-19|llvm-config  llvm-19-dev     llvm-devel           optimised code
cross     cmd:aarch64-linux-gnu-gcc  gcc-aarch64-linux-gnu  gcc-aarch64-linux-gnu  builds for aarch64
cross     file:/usr/aarch64-linux-gnu/lib/libc.so.6  libc6-dev-arm64-cross  sysroot-aarch64-fc-glibc  its C library
cross     cmd:qemu-aarch64  qemu-user                   qemu-user            runs what was built
cross     file:/usr/lib/aarch64-linux-gnu/pkgconfig/nettle.pc  nettle-dev:arm64  -  SHA-256 for aarch64
cross     file:/usr/lib/aarch64-linux-gnu/pkgconfig/libxxhash.pc  libxxhash-dev:arm64  -  checksums for aarch64
coverage  cmd:gcovr         gcovr                       gcovr                coverage report
'

package_present() { # PROBE
        local kind=${1%%:*} one IFS='|'

        for one in ${1#*:}; do
                case $kind in
                cmd) command -v "$one" >/dev/null 2>&1 && return 0 ;;
                pc) pkg-config --exists "$one" 2>/dev/null && return 0 ;;
                file) [ -e "$one" ] && return 0 ;;
                esac
        done
        return 1
}

packages_missing() { # DISTRO-COLUMN GROUP...: names, one a line
        local column=$1 group probe debian fedora what wanted
        shift
        wanted=" $* "
        while read -r group probe debian fedora what; do
                [ -n "$group" ] && [[ $wanted == *" $group "* ]] || continue
                package_present "$probe" && continue
                if [ "$column" = debian ]; then echo "$debian"; elif [ "$fedora" != - ]; then echo "$fedora"; fi
        done <<<"$PACKAGE_TABLE"
}

packages_run() { # installs "$@" quietly
        local root=()

        if [ "$(id -u)" -ne 0 ]; then
                if ! command -v sudo >/dev/null; then
                        echo "These packages are missing, and there is no sudo: $*" >&2
                        return 1
                fi
                root=(sudo)
        fi
        if command -v apt-get >/dev/null; then
                if [[ "$*" == *:arm64* ]]; then "${root[@]}" dpkg --add-architecture arm64; fi
                # An image fresh from the registry has no package lists at all.
                "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq update &&
                        "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y \
                                --no-install-recommends "$@"
        else
                "${root[@]}" dnf -q -y install "$@"
        fi </dev/null
}

packages_install() { # GROUP...
        local column=debian missing=() name group

        if ! command -v apt-get >/dev/null; then
                column=fedora
                if ! command -v dnf >/dev/null; then
                        echo "Neither apt-get nor dnf here: see build-tools/packages.sh for what is needed" >&2
                        return 0
                fi
        fi
        for group; do
                mapfile -t missing < <(packages_missing "$column" "$group" | sort -u)
                [ ${#missing[@]} -gt 0 ] || continue
                step "Installing ${missing[*]}" packages_run "${missing[@]}" && continue
                [ "$group" = build ] && return 1
                for name in "${missing[@]}"; do
                        step "Installing $name by itself" packages_run "$name" ||
                                note "without $name some of what follows is skipped"
                done
        done
        return 0
}
