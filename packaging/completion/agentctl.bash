# SPDX-License-Identifier: MIT
# bash completion for agentctl                                             -*- shell-script -*-

# _agentctl_list FIELD: a field of what the daemon lists, of the socket on the command line.
# This and _agentctl_verb read _agentctl's `line`.
_agentctl_list()
{
	local -a where=()
	local i

	for ((i = 0; i < ${#line[@]} - 1; i++)); do
		[[ ${line[i]} == --socket ]] && where=(--socket "${line[i + 1]/#\~/$HOME}")
	done
	timeout 2 agentctl "${where[@]}" list-metrics -o plain 2>/dev/null | cut -f "$1"
}

# _agentctl_ask FIELD: the same without labels. Names come from anywhere on the network: none that the
# shell could take for more than a word is offered.
_agentctl_ask()
{
	_agentctl_list "$1" | sed 's/{.*//' | LC_ALL=C grep -x '[A-Za-z0-9_][A-Za-z0-9_:.-]*' | sort -u
}

# _agentctl_series WORD: whole series that begin like the word behind its single quote. Between such
# quotes a name without one is nothing but text to the shell.
_agentctl_series()
{
	local name

	_agentctl_list 3 | LC_ALL=C grep -v "[^ -~]" | LC_ALL=C grep -v "['\\\\]" | sort -u |
		while IFS= read -r name; do
			[[ $name == "${1#\'}"* ]] && printf '%s\n' "$name"
		done
}

# _agentctl_verb: the verb on the command line, if there is one already
_agentctl_verb()
{
	local i

	for ((i = 0; i < ${#line[@]} - 1; i++)); do
		case ${line[i]} in
		--socket | --host | --at | --since | --until | --interval | --count | --sort | --filter | --output | -o | \
			--step | --function | -f | --by | --input | -i | --skip)
			((i++))
			;;
		-*) ;;
		*)
			echo "${line[i]}"
			return
			;;
		esac
	done
}

_agentctl()
{
	local verbs='list-metrics get watch status queue reload flush list-plugins cost input list-hosts query why import export snapshot delete check dump help'
	local words='' word='' before='' verb i
	local -a line=()

	# What is typed up to the cursor. Bash makes three words of --socket=PATH.
	for ((i = 1; i <= COMP_CWORD; i++)); do
		[[ ${COMP_WORDS[i]} == '=' ]] || line+=("${COMP_WORDS[i]}")
	done
	[[ ${COMP_WORDS[COMP_CWORD]} != '=' ]] || line+=('')
	word=${line[-1]}
	[[ ${#line[@]} -lt 2 ]] || before=${line[-2]}

	COMPREPLY=()
	verb=$(_agentctl_verb)
	case $before in
	--socket)
		compopt -o filenames 2>/dev/null
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
		return
		;;
	-o | --output)
		words='table plain json csv'
		[[ $verb == export ]] && words='csv jsonl openmetrics'
		;;
	-i | --input) words='csv jsonl openmetrics prometheus' ;;
	--at | --since | --until) words='now today yesterday -5m -1h' ;;
	--interval) words='500ms 1s 10s 1m' ;;
	--host) words=$(_agentctl_ask 2) ;;
	--sort)
		words='host series kind unit value rate age'
		[[ $verb == list-hosts ]] && words='host series samples rate bytes inodes oldest_time last_time'
		words+=" -${words// / -}"
		;;
	--step) words='10s 60s 5m 1h 1d' ;;
	-f | --function) words='avg min max sum count last rate increase quantile=0.5 quantile=0.99' ;;
	--count | --filter | --by | --skip) return ;;
	*)
		case $verb,$word in
		,-*) words='--socket --output --utc --help --version' ;;
		,*) words=$verbs ;;
		list-metrics,-* | get,-*) words='--socket --output --host --utc --help' ;;
		list-hosts,-*) words='--socket --output --sort --utc --help' ;;
		watch,-*) words='--socket --output --host --sort --filter --interval --count --utc --help' ;;
		query,-*) words='--socket --output --host --since --until --step --function --by --all --utc --help' ;;
		why,-*) words='--socket --output --host --at --since --until --utc --help' ;;
		export,-*) words='--socket --output --host --since --until --utc --help' ;;
		import,-*) words='--socket --input --host --skip --help' ;;
		delete,-*) words='--socket --output --host --since --until --dry-run --yes --utc --help' ;;
		reload,-*) words='--socket --output --dry-run --utc --help' ;;
		dump,-*) words='--output --utc --help' ;;
		help,-*) words='--help' ;;
		*,-*) words='--socket --output --utc --help' ;;
		list-metrics,\'* | get,\'* | watch,\'* | query,\'* | why,\'* | export,\'* | delete,\'*)
			mapfile -t COMPREPLY < <(_agentctl_series "$word")
			return
			;;
		list-metrics,* | get,* | watch,* | query,* | export,* | delete,*) words=$(_agentctl_ask 3) ;;
		why,*) words=$(_agentctl_ask 2; _agentctl_ask 3) ;;
		help,*) words=$verbs ;;
		check,* | snapshot,*)
			compopt -o filenames 2>/dev/null
			mapfile -t COMPREPLY < <(compgen -d -- "$word")
			return
			;;
		dump,* | import,*)
			compopt -o filenames 2>/dev/null
			mapfile -t COMPREPLY < <(compgen -f -- "$word")
			return
			;;
		esac
		;;
	esac
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}

complete -F _agentctl agentctl
