#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The last step of `meson install`: install.sh SYSUSERS TMPFILES [SOURCE TARGET]...
#
# Puts each commented SOURCE in place as TARGET where there is none. Then, on the running system only (as
# root and without DESTDIR), makes the user and the directories and tells systemd about the new files: without
# the user the first start would end in 217/USER. By now every file is installed, so a step that fails is
# named, the others go on, and the installation as a whole succeeds.
set -u
sysusers=$1
tmpfiles=$2
shift 2

say() {
    printf 'heartbeatd: %s\n' "$1" >&2
}

have() {
    command -v "$1" >/dev/null 2>&1
}

# Runs a step; its own words, if it fails, follow on the same line.
step() {
    words=$("$@" 2>&1) && return
    say "\"$*\" failed, run it again by hand: $(printf '%s' "$words" | tr '\n' ' ')"
}

# The file belongs to the administrator from then on.
install_once() {
    if [ -e "$2" ] || [ -L "$2" ]; then
        say "$2 is there already and stays as it is"
        return
    fi
    if ! mkdir -p "$(dirname "$2")" || ! cp "$1" "$2" || ! chmod 0644 "$2"; then
        say "could not install $2"
        exit 1
    fi
}

destdir=${MESON_INSTALL_DESTDIR_PREFIX%"$MESON_INSTALL_PREFIX"}
while [ $# -gt 0 ]; do
    install_once "$1" "${destdir%/}$2"
    shift 2
done

if [ -n "${destdir%/}" ]; then
    exit 0
fi
if [ "$(id -u)" -ne 0 ]; then
    say "not root: the user, the directories and the message catalog are left to be made"
    exit 0
fi
have systemd-sysusers && step systemd-sysusers "$sysusers"
have systemd-tmpfiles && step systemd-tmpfiles --create "$tmpfiles"
have journalctl && step journalctl --update-catalog
[ -d /run/systemd/system ] && have systemctl && step systemctl daemon-reload
exit 0
