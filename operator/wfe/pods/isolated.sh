#!/bin/sh
# PID 1 of a pod for one attempt, in an image that has a shell.
#
#   sh -c … wfe markers|plain|secret
#
# It becomes the step that /wfe/files/launch says, passes its output on, and tells what it put out (the marker lines of
# stdout, and the file WFE_OUTPUT) in its termination message:
#
#   outputs M F    and behind that line M bytes of marker lines and F bytes of the file
#   logged M F     the same bytes are the end of the log, between the lines ##wfe[outputs M F] and ##wfe[end]
#   kept M F       they are nowhere: there are too many, or the step sees secrets
set -u
own=/wfe/out/step
mkdir -p "$own" && cp /wfe/files/* "$own/" || exit 125
told=
step=
trap 'told=yes; stop' TERM

# PID 1 of a container sees nothing but its own.
stop() {
    if [ "$$" = 1 ]; then
        kill -TERM -1 2>/dev/null
    elif [ -n "$step" ]; then
        kill -TERM "$step" 2>/dev/null
    fi
}

# shellcheck disable=SC2120  # the arguments come with `set --`
become() {
    # shellcheck disable=SC1091  # sets the directory, the environment and the arguments
    . "$own/launch"
    exec "$@"
}

if [ "$1" = markers ]; then
    mkfifo "$own/.pipe"
    (trap '' TERM && tee "$own/.stdout" && : >"$own/.copied") <"$own/.pipe" &
    (become) >"$own/.pipe" &
else
    (become) &
fi
step=$!
# One that came before that has told nobody.
[ -z "$told" ] || stop

# A signal cuts a wait short; one that came as the step ended leaves nothing to wait for.
while :; do
    wait "$step"
    code=$?
    [ -n "$told" ] || break
    told=
    wait "$step"
    again=$?
    [ "$again" = 127 ] || code=$again
    [ -n "$told" ] || break
done

# What the step left behind ends with it, and so does the pipe.
stop
tries=0
while [ "$1" = markers ] && [ ! -e "$own/.copied" ] && [ "$tries" -lt 30 ]; do
    sleep 0.1 2>/dev/null || sleep 1
    tries=$((tries + 1))
done
[ "$code" = 0 ] || exit "$code"

size() { if [ -f "$1" ]; then wc -c <"$1"; else echo 0; fi; }
content() { for each in "$own/.markers" "$own/output"; do [ ! -f "$each" ] || cat "$each"; done; }

[ ! -s "$own/.stdout" ] || sed -n '/^##wfe\[output /p' "$own/.stdout" >"$own/.markers"
found=$(($(size "$own/.markers"))) file=$(($(size "$own/output")))
total=$((found + file))
if [ "$total" = 0 ]; then
    exit 0
elif [ "$1" = secret ] || [ "$total" -gt 4194304 ]; then
    echo "kept $found $file" >/wfe/result
elif [ "$total" -le 4000 ]; then
    { echo "outputs $found $file" && content; } >/wfe/result
else
    printf '\n##wfe[outputs %s %s]\n' "$found" "$file"
    content
    printf '\n##wfe[end]\n'
    echo "logged $found $file" >/wfe/result
fi
