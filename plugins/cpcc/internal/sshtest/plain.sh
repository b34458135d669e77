#!/bin/sh
# Notes its command line, and fails with the text of a file "fail-<name>" or
# "fail-<name>-<argument>" if there is one.
set -eu
name=${0##*/}
printf '%s %s\n' "$name" "$*" >>/etc/played/calls
for file in "fail-$name" "fail-$name-${1-}"; do
  if [ -r "/etc/played/$file" ]; then
    cat "/etc/played/$file" >&2
    exit 1
  fi
done
case $name in
  hostname) cat /etc/hostname ;;
  kubectl) cat >/etc/played/applied ;;
esac
