# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2154	# name, memory and event_log are those of tools/boot
# The boards of a guest: processes beside QEMU, each a GPU on its PCI bus (board/board).

board_program=${UNDO_BOARD:-$TOP/board/board}
board_pids=() board_logs=()
# How long a board may take to begin and to end, in seconds; less in tests of the tools.
board_limit=${UNDO_BOARD_LIMIT:-120}
# How a sanitizer begins what it has to say.
board_findings='ERROR: [A-Za-z]*Sanitizer|runtime error:'

# start_boards OPTIONS...: start a board with each argument's words for it, and append to
# $args what QEMU needs to have it: the GPU and the control function, in slot 1, 2, ...
start_boards()
{
	local n=0 options
	[ -x "$board_program" ] || {
		(die "no $board_program here" "make -C board") || exit 122
	}
	sockets=$(mktemp -d "${TMPDIR:-/tmp}/board.XXXXXX")
	# sockaddr_un has room for 107 bytes.
	if [ ${#sockets} -gt 100 ]; then
		(die "$sockets is too long for the path of a socket" "set TMPDIR to a shorter one") || exit 122
	fi
	trap stop_boards EXIT
	trap 'exit 130' INT TERM
	# The guest's memory is a file, which the boards map.
	args+=(-machine "q35,memory-backend=m"
	       -object "memory-backend-memfd,id=m,size=${memory}M,share=on")
	for options; do
		n=$((n + 1))
		# shellcheck disable=SC2086	# a list of words
		start_board "$n" $options
	done
}

# start_board N OPTION...
start_board()
{
	local n=$1 suffix=$1 f pid
	shift
	[ "$suffix" != 1 ] || suffix=
	[ -z "$event_log" ] || set -- --log "$LOGS/$name.events$suffix" "$@"
	# It does not outlive this process, whatever ends that.
	set -- setpriv --pdeathsig TERM "$board_program" --serial "$n" \
		--socket "$sockets/$n.0" --control "$sockets/$n.1" "$@"
	board_logs+=("$LOGS/$name.board$suffix")
	say "+ $*"
	set -m
	"$@" </dev/null >"${board_logs[-1]}" 2>&1 9>&- &
	pid=$!
	set +m
	board_pids+=("$pid")
	for f in 0 1; do
		wait_for_socket "$pid" "$sockets/$n.$f"
		args+=(-device "{\"driver\":\"vfio-user-pci\",\"addr\":\"$n.$f\",\"multifunction\":true,\"x-msg-timeout\":60000,\"socket\":{\"type\":\"unix\",\"path\":\"$sockets/$n.$f\"}}")
	done
}

# wait_for_socket PID SOCKET: until the board has made it.
wait_for_socket()
{
	local i
	for ((i = 0; i < board_limit * 20; i++)); do
		[ ! -S "$2" ] || return 0
		kill -0 "$1" 2>/dev/null || board_failed "the board ended before it had a socket"
		sleep 0.05
	done
	board_failed "waited $board_limit s for the board to make its socket $2"
}

# board_failed WHAT [LOG]
board_failed()
{
	printf 'error: guest %s: %s\n' "$name" "$1" >&2
	show_log "${2:-${board_logs[-1]}}" 15
	exit 121
}

# check_boards QEMU-STATUS: once QEMU has ended, the boards must end in time,
# with status 0, and must have had no sanitizer report. A board has no client to end with if
# QEMU has failed; one that has ended may be the cause.
check_boards()
{
	local i pid rc
	for ((i = 0; i < ${#board_pids[@]}; i++)); do
		pid=${board_pids[i]}
		case $1 in
		0 | 124 | 137)
			timeout "$board_limit" tail --pid="$pid" -f /dev/null ||
				board_failed "waited $board_limit s for the board to end after QEMU" "${board_logs[i]}" ;;
		*)
			! kill -0 "$pid" 2>/dev/null || continue ;;
		esac
		rc=0
		wait "$pid" || rc=$?
		! grep -aqE "$board_findings" "${board_logs[i]}" ||
			board_failed "a sanitizer reports an error in the board" "${board_logs[i]}"
		[ "$rc" = 0 ] || board_failed "the board exited with status $rc" "${board_logs[i]}"
		[ "$pid" != "${dead_board:-}" ] ||
			board_failed "the board ended before the guest did" "${board_logs[i]}"
	done
}

stop_boards()
{
	local pid
	for pid in ${board_pids[@]+"${board_pids[@]}"}; do
		kill_group "$pid"
	done
	rm -rf "$sockets"
}
