#!/usr/bin/env bash
# Runs a test program on an emulated CPU that has AVX-512, for machines whose CPU has none.
# SPDX-License-Identifier: Apache-2.0
#
# Bochs emulates a whole PC. It boots the distribution's kernel from a CD image that is made here, with
# the program, its libraries and tests/golden in the initial RAM disk. It is a hundred times slower than a
# CPU, and says nothing about speed. Installs nothing: tools/install_dependencies.sh --full does.
set -euo pipefail

usage() {
    cat <<'END'
Usage: tools/checks/emulated_avx512.sh FOLDER PROGRAM [ARGUMENT]...

Runs PROGRAM with PF_ISA=avx512 and prints its output. FOLDER is made anew for the disk image. Exits with
0 if PROGRAM did. Run from the top of the repository.

Example:
    tools/checks/emulated_avx512.sh build/emulation build/release/tests/pf_tests -tc='gelu*'
END
}

if [ "$#" -lt 2 ]; then
    usage >&2
    exit 2
fi
folder=$1 program=$2
shift 2

rm -rf "$folder"
mkdir -p "$folder"/{kernel,root/bin,cd}

# The kernel of the distribution's package, unpacked but not installed.
get_kernel() {
    local meta package
    for meta in linux-image-cloud-amd64 linux-image-virtual; do # Debian's, Ubuntu's
        package=$(apt-cache depends "$meta" 2>/dev/null | awk '/Depends: linux-image-/ {print $2; exit}')
        [ -z "$package" ] || break
    done
    (cd "$folder/kernel" && apt-get download -qq -o APT::Sandbox::User="$(id -un)" "$package")
    dpkg-deb --extract "$folder"/kernel/*.deb "$folder/kernel"
    mv "$folder"/kernel/boot/vmlinuz-* "$folder/cd/vmlinuz"
}

# What PROGRAM needs, where it expects it.
fill_root() {
    local library
    cp "$(command -v busybox)" "$folder/root/bin/"
    cp "$program" "$folder/root/bin/program"
    ldd "$program" | awk '/=> \// {print $3} /^\t\// {print $1}' | while read -r library; do
        mkdir -p "$folder/root$(dirname "$library")"
        cp -L "$library" "$folder/root$library"
    done
    mkdir -p "$folder/root$PWD/tests"
    cp -r tests/golden "$folder/root$PWD/tests/"
    cat >"$folder/root/init" <<END
#!/bin/busybox sh
for name in proc sys dev tmp; do /bin/busybox mkdir -p /\$name; done
/bin/busybox mount -t proc proc /proc
if /bin/busybox grep -q avx512dq /proc/cpuinfo; then
    PF_ISA=avx512 /bin/program $(printf '%q ' "$@")
    echo "exit code \$?"
else
    echo "Linux sees no AVX-512 on the emulated CPU."
fi
/bin/busybox sleep 1 # for the serial port
/bin/busybox poweroff -f
END
    chmod +x "$folder/root/init"
    (cd "$folder/root" && find . | cpio --quiet -o -H newc | gzip -1) >"$folder/cd/initrd"
}

# Bochs 2.7 counts the state that XSAVEC stores otherwise than Linux, which then does without AVX.
make_cd() {
    mkdir "$folder/cd/isolinux"
    cp /usr/lib/ISOLINUX/isolinux.bin /usr/lib/syslinux/modules/bios/ldlinux.c32 "$folder/cd/isolinux/"
    cat >"$folder/cd/isolinux/isolinux.cfg" <<'END'
DEFAULT linux
LABEL linux
  KERNEL /vmlinuz
  APPEND initrd=/initrd console=ttyS0 quiet mitigations=off tsc=reliable lpj=1000000 clearcpuid=xsavec,xsaves rdinit=/init
END
    xorriso -as mkisofs -quiet -o "$folder/boot.iso" -b isolinux/isolinux.bin -c isolinux/boot.cat \
        -no-emul-boot -boot-load-size 4 -boot-info-table "$folder/cd"
}

emulate() {
    cat >"$folder/bochsrc" <<END
cpu: model=corei7_skylake_x, reset_on_triple_fault=0
memory: guest=1024, host=1024
romimage: file=/usr/share/bochs/BIOS-bochs-latest
vgaromimage: file=/usr/share/bochs/VGABIOS-lgpl-latest
ata0-master: type=cdrom, path=$folder/boot.iso, status=inserted
boot: cdrom
com1: enabled=1, mode=file, dev=$folder/output.txt
sound: driver=dummy
display_library: rfb, options="timeout=0"
log: $folder/bochs.log
END
    # Debian's Bochs starts in its debugger, and ends when its input does.
    exec 3> >(bochs -q -f "$folder/bochsrc" >"$folder/bochs.out" 2>&1)
    local emulator=$!
    echo c >&3
    wait "$emulator" || true
    exec 3>&-
}

get_kernel
fill_root "$@"
make_cd
emulate
tr -d '\r' <"$folder/output.txt"
grep -q '^exit code 0' "$folder/output.txt"
