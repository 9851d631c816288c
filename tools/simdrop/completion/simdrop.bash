# Completion of simdrop's command lines in bash 4.2 or later. All that it offers the tool itself says: commands and options by its help,
# values by the sentence with which it refuses one that there is not. Installed as bash-completion/completions/simdrop.
# shellcheck shell=bash

_simdrop_commands() { # <tool>
  "$1" --help 2> /dev/null | sed -n '/^commands:$/,/^$/s/^  \([a-z][a-z-]*\)  *.*/\1/p'
}

# Lines "--option [METAVAR]"; an option that takes "all", as its help says, has a third word.
_simdrop_options() { # <tool> <command>
  "$1" help "$2" 2> /dev/null | sed -n '/^options:$/,/^$/{
    s/^  \(--[a-z0-9-]*\)  .*/\1/p
    s/^  \(--[a-z0-9-]* [^ ][^ ]*\)  .*[, ]or all[ ,:(].*/\1 all/p; t
    s/^  \(--[a-z0-9-]* [^ ][^ ]*\)  .*/\1/p
  }'
}

# The names among which an option chooses, with spaces between; nothing if any value may do.
_simdrop_values() { # <tool> <command> <option>
  local command=$2
  [[ $3 != --backend ]] || command=info # which has no other arguments to ask for first
  "$1" "$command" "$3" '?' 2>&1 < /dev/null | sed -n '
    s/.* takes one of \(.*\), not .*/\1/
    t list
    s/.* takes all, or some of \(.*\), not .*/all \1/
    t list
    s/.*; those \(that run here\|there are\): \(.*\)/\2/
    t list
    b
    :list
    s/,//gp'
}

# Whether the command has arguments without a name, of which this tool's are all files.
_simdrop_takes_files() { # <tool> <command>
  "$1" help "$2" 2> /dev/null | grep -q "^usage: simdrop $2 [A-Z]"
}

# Files that begin like the word; of the given ending, and folders, if there is one.
_simdrop_files() { # <word> [ending]
  if [[ -n ${2-} ]]; then
    mapfile -t COMPREPLY < <(compgen -f -X "!*$2" -- "$1"; compgen -d -- "$1")
  else
    mapfile -t COMPREPLY < <(compgen -f -- "$1")
  fi
  compopt -o filenames
}

_simdrop_value() { # <tool> <command> <option> <metavar> <all or nothing> <word>
  local names before=""
  case $4 in
    *FILE) _simdrop_files "$6" && return ;;
  esac
  names=$(_simdrop_values "$1" "$2" "$3")
  [[ -z $5 || -z $names || " $names " == *' all '* ]] || names="all $names"
  if [[ $4 == LIST ]]; then # the last name of the list, behind those that are there
    [[ $6 != *,* ]] || before=${6%,*},
    compopt -o nospace
    [[ -z $before ]] || names=" $names "
    [[ -z $before ]] || names=${names// all / }
  fi
  mapfile -t COMPREPLY < <(compgen -P "$before" -W "$names" -- "${6##*,}")
}

_simdrop() {
  local tool=$1 word=${COMP_WORDS[COMP_CWORD]} previous="" command=${COMP_WORDS[1]-} option="" i
  COMPREPLY=()
  tool=${tool/#\~\//$HOME/}
  type -P -- "$tool" > /dev/null || return
  if ((COMP_CWORD == 1)); then
    mapfile -t COMPREPLY < <(compgen -W "$(_simdrop_commands "$tool") help --help --version" -- "$word")
    return
  fi
  if [[ $command == help ]]; then
    ((COMP_CWORD > 2)) || mapfile -t COMPREPLY < <(compgen -W "$(_simdrop_commands "$tool")" -- "$word")
    return
  fi
  [[ " $(_simdrop_commands "$tool" | tr '\n' ' ') " == *" $command "* ]] || return

  # bash takes --option=value for three words.
  previous=${COMP_WORDS[COMP_CWORD - 1]}
  if [[ $word == = ]]; then
    word=""
    option=$previous
  elif [[ $previous == = ]] && ((COMP_CWORD > 3)); then
    option=${COMP_WORDS[COMP_CWORD - 2]}
  elif [[ $previous == --?* && $word != --* ]]; then
    option=$previous
  fi
  for ((i = 2; i < COMP_CWORD; ++i)); do
    if [[ ${COMP_WORDS[i]} == -- ]]; then # behind it there are no options
      ! _simdrop_takes_files "$tool" "$command" || _simdrop_files "$word" .npy
      return
    fi
  done

  local name metavar all offered=""
  while read -r name metavar all; do
    if [[ $name == "$option" && -n $metavar ]]; then
      _simdrop_value "$tool" "$command" "$option" "$metavar" "$all" "$word"
      return
    fi
    for ((i = 2; i < COMP_CWORD; ++i)); do # what is there already is not offered again
      [[ ${COMP_WORDS[i]} != "$name" ]] || continue 2
    done
    offered+=" $name"
  done < <(_simdrop_options "$tool" "$command")
  if [[ $word != -* ]] && _simdrop_takes_files "$tool" "$command"; then
    _simdrop_files "$word" .npy
  else
    mapfile -t COMPREPLY < <(compgen -W "$offered" -- "$word")
  fi
} && complete -F _simdrop simdrop
