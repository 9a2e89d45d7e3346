#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The last step of `meson install`: install.sh CONF CONFIG_DIR SYSUSERS TMPFILES
#
# Puts the commented configuration file in place where there is none. Then, on the running system only (as
# root and without DESTDIR), makes the user and the directories and tells systemd about the new files: without
# the user the first start would end in 217/USER. By now every file is installed, so a step that fails is
# named, the others go on, and the installation as a whole succeeds.
set -u
conf=$1
config_dir=$2
sysusers=$3
tmpfiles=$4

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

install_config() {
    target=$1/heartbeatd.conf
    if [ -e "$target" ] || [ -L "$target" ]; then
        say "$target is there already and stays as it is"
        return
    fi
    if ! mkdir -p "$1" || ! cp "$conf" "$target" || ! chmod 0644 "$target"; then
        say "could not install $target"
        exit 1
    fi
}

destdir=${MESON_INSTALL_DESTDIR_PREFIX%"$MESON_INSTALL_PREFIX"}
install_config "${destdir%/}$config_dir"

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
