# Runs in a guest, by busybox's shell, as what its init does: are the haunted programs found and freed here, is it said
# why they spin, and are their logs judged? Every wrong answer is a line that begins with "wrong:".
# shellcheck shell=sh disable=SC3043

wrongs=0
wrong() { echo "wrong: $*"; wrongs=$((wrongs + 1)); }

# Asks polter, and shows the question and the answer, which is in /tmp/said then.
ask() {
    echo "\$ polter $*"
    polter --color never "$@" >/tmp/said 2>&1
    code=$?
    busybox cat /tmp/said
    echo "[exit $code]"
}
says() { busybox grep -q -- "$1" /tmp/said || wrong "$program: the answer has no \"$1\""; }

# Starts a haunted program that spins, and waits until it is haunted. $! is its number.
start() {
    program=$1
    busybox rm -f /tmp/ready
    haunted "$@" --linger 600 --spin >/tmp/ready 2>&1 &
    started=$!
    for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
        busybox grep -q ready /tmp/ready && break
        busybox sleep 0.5
    done
    busybox grep -q ready /tmp/ready || wrong "$program: it is not haunted: $(busybox cat /tmp/ready)"
    echo
    echo "== $program"
}
end() {
    busybox kill "$started"
    wait "$started" 2>/dev/null
    # Its children end with it, a little later.
    busybox sleep 0.5
}

# Hundredths of a second that a process has run.
ticks() { busybox awk '{ print $14 + $15 }' "/proc/$1/stat"; }
spins() {
    local before
    [ -n "$1" ] && [ -e "/proc/$1" ] || return 1
    before=$(ticks "$1")
    busybox sleep 2
    # A process that spins has most of a CPU, or its share of one.
    [ $(($(ticks "$1") - before)) -gt 40 ]
}

# ghost PROGRAM FOUND CAUSE: the scan names it both ways, and why the cause; exorcise frees the program, which runs on.
ghost() {
    start "$1"
    ask scan --spin --children "$started"
    [ "$code" = 1 ] || wrong "$1: the scan's exit code is $code"
    says "$2"
    local who fd
    who=$(busybox sed -n "s/^ *[0-9]* *$2.* haunted (\([0-9]*\)), fd .*/\1/p" /tmp/said | busybox head -n 1)
    fd=$(busybox sed -n "s/^ *[0-9]* *$2.* haunted ([0-9]*), fd \([0-9]*\).*/\1/p" /tmp/said | busybox head -n 1)
    ask scan --source proc --children "$started"
    [ "$code" = 1 ] || wrong "$1: the scan's exit code by /proc is $code"
    says "$2"
    ask why --children "$started"
    says "spins: $3"
    spins "$who" || wrong "$1: it does not spin before its ghost is removed"
    # These guests are emulated.
    ask exorcise --slow --yes "$who"
    [ "$code" = 0 ] || wrong "$1: the removal's exit code is $code"
    says "removed"
    ask scan --fail-on ghost --children "$started"
    [ "$code" = 0 ] || wrong "$1: after the removal the scan's exit code is $code"
    if [ -z "$who" ] || [ ! -e "/proc/$who" ]; then
        wrong "$1: it has not survived the removal of fd $fd"
    elif spins "$who"; then
        wrong "$1: it still spins"
    else
        echo "freed: $1, process $who, fd $fd"
    fi
    end
}

# spinning PROGRAM FOUND: no ghost; why names the cause.
spinning() {
    start "$1"
    ask why --children "$started"
    says "$2"
    ask why --source proc --children "$started"
    says "$2"
    end
}

# judged PROGRAM CLASS...: the verdict in /tmp/judged has these classes; without one, it finds nothing.
judged() {
    program=$1
    shift
    busybox cp /tmp/judged /tmp/said
    [ $# -gt 0 ] || ! busybox grep -q '"class":' /tmp/said || wrong "$program: something is found in its log"
    for class in "$@"; do says "\"class\": *\"$class\""; done
}

# logged PROGRAM CLASS...: recorded with strace and judged.
logged() {
    busybox rm -f /tmp/judged
    ask run --via strace --format json -o /tmp/judged -- haunted "$1"
    judged "$@"
}

# recorded PROGRAM CLASS...: recorded by the kernel, and the recording judged.
recorded() {
    program=$1
    busybox rm -f /tmp/judged
    ask record -o /tmp/log -- haunted "$1"
    [ "$code" = 0 ] || wrong "$1: the recorder's exit code is $code"
    says " lines in /tmp/log"
    ask judge --format json -o /tmp/judged /tmp/log
    ! busybox grep -q '"kind": *"lost"' /tmp/judged || wrong "$1: something was lost"
    judged "$@"
}

# every WAY: all haunted programs, one after the other.
every() {
    "$1" fork-ghost fork-ghost
    "$1" plain-fork fork-ghost
    "$1" dup-ghost dup-ghost
    "$1" handed-over-ghost handed-over-ghost
    "$1" in-flight-ghost in-flight-ghost
    "$1" number-reuse dup-ghost number-reuse
    "$1" errno-after-reuse dup-ghost errno-after-reuse
    "$1" stale-batch stale-batch
    "$1" child-removes child-removes
    "$1" event-theft event-theft
    "$1" foreign-entry foreign-entry
    "$1" deaf-signalfd deaf-signalfd
    "$1" dead-epoll-fd dead-epoll-fd
    "$1" leaked-epoll leaked-epoll
    "$1" close-races-wait close-races-wait
    "$1" epoll-as-kcmp epoll-as-kcmp
    "$1" unheeded-event unheeded-event
    "$1" healthy
}

ghost fork-ghost "fork ghost" "fork ghost"
ghost plain-fork "fork ghost" "fork ghost"
ghost dup-ghost "dup ghost" "dup ghost"
ghost handed-over-ghost "handed over ghost" "handed-over ghost"
ghost number-reuse "number reuse" "dup ghost"
spinning unheeded-event "spins: unheeded hang-up"

echo
echo "== demo"
program=demo
ask demo
[ "$code" = 0 ] || wrong "demo: its exit code is $code"
says "without its ghost"

if command -v strace >/dev/null; then
    echo
    echo "== logs"
    every logged
fi

echo
echo "== recordings"
program=record
case $(busybox uname -r) in
    5.1[0-6].*)
        ask record -o /tmp/log -- haunted fork-ghost
        [ "$code" = 2 ] || wrong "record: its exit code is $code"
        says "which Linux has since 5.17"
        ;;
    *) every recorded ;;
esac

echo
echo "haunted programs: $wrongs wrong answers"
echo "polter-guest: haunted exit $([ "$wrongs" = 0 ] && echo 0 || echo 1)"
