#!/bin/sh
# Runs a shell script in a clean root, as one user: enter.sh UID SCRIPT, in mount and
# process namespaces that are its own. From the environment:
#
#   BASE   the root filesystem, which stays as it is
#   WORK   an empty folder, for all that is written
#   CLONE  where the script's folder is, in there; it is empty
#   TESTFLAGS for make test, if it is set
#   and GOROOT, GOMODCACHE, GOCACHE and GOPROXY of this machine
#
# What Go has here is seen there at the same place, so that it finds what it has compiled
# already: Go and the modules as they are, and what was compiled below a layer of its own.
set -eu
uid=$1 script=$2

mount --make-rprivate /
layer() { # over a folder, at a place
	mkdir -p "$WORK/$2/upper" "$WORK/$2/work" "$3"
	chown "$uid:$uid" "$WORK/$2/upper"
	mount -t overlay overlay -o "lowerdir=$1,upperdir=$WORK/$2/upper,workdir=$WORK/$2/work" "$3"
}
folder() { # that is the user's, at a place
	mkdir -p "$WORK/$1" "$2"
	chown -R "$uid:$uid" "$WORK/$1"
	mount --bind "$WORK/$1" "$2"
}
shared() { # with this machine, at the same place
	mkdir -p "$root$1"
	mount --bind "$1" "$root$1"
	mount -o remount,bind,ro "$root$1"
}

root=$WORK/root
layer "$BASE" base "$root"
chown 0:0 "$WORK/base/upper"
chmod 755 "$root" "$root/root"
mount -t proc proc "$root/proc"
mount -t sysfs sysfs "$root/sys"
mount --rbind /dev "$root/dev"
folder tmp "$root/tmp"
chmod 1777 "$root/tmp"
folder home "$root/home"
shared "$GOROOT"
shared "$GOMODCACHE"

# Results of tests that ran on this machine are none of this root's, and Go looks for
# what it may remove only if it has not for a day.
for folder in $(seq 0 255); do
	mkdir -p "$WORK/compiled/upper/$(printf %02x "$folder")"
done
date +%s%N >"$WORK/compiled/upper/testexpire.txt"
date +%s >"$WORK/compiled/upper/trim.txt"
chown -R "$uid:$uid" "$WORK/compiled"
layer "$GOCACHE" compiled "$root$GOCACHE"

folder clone "$root$CLONE"

cd "$root"
pivot_root . .
umount -l .
cd "$CLONE"
exec setpriv --reuid="$uid" --regid="$uid" --clear-groups \
	env -i HOME=/home PATH="$GOROOT/bin:/usr/sbin:/usr/bin:/sbin:/bin" \
	GOMODCACHE="$GOMODCACHE" GOCACHE="$GOCACHE" GOPROXY="$GOPROXY" GOTOOLCHAIN=local \
	${TESTFLAGS+TESTFLAGS="$TESTFLAGS"} \
	sh -euc "$script"
