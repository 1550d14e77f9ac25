"""What placeholders in scripts become, and that real shells then see the value and nothing else."""

import os
import subprocess
from collections.abc import Mapping

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from wfe.expr.shell import bind


def run(script: str, env: Mapping[str, str], shell: str = "sh") -> str:
    done = subprocess.run(
        [shell, "-c", script], env={"PATH": os.environ["PATH"], **env}, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


@pytest.mark.parametrize(
    ("script", "bound"),
    [
        pytest.param("echo ((a))", 'echo "${WFE_VAR_1}"', id="outside-quotes"),
        pytest.param('echo "x ((a))"', 'echo "x ${WFE_VAR_1}"', id="in-double-quotes"),
        pytest.param(
            "echo ((a)) ${{ a }} ((b))",
            'echo "${WFE_VAR_1}" "${WFE_VAR_1}" "${WFE_VAR_2}"',
            id="one-name-once",
        ),
        pytest.param("x=((a))/b", 'x="${WFE_VAR_1}"/b', id="in-an-assignment"),
        pytest.param(
            "cat <<E\n((a)) \"'\nE\necho ((a))",
            'cat <<E\n${WFE_VAR_1} "\'\nE\necho "${WFE_VAR_1}"',
            id="here-document",
        ),
        pytest.param(
            "cat <<-E\n\t((a))\n\tE\necho '((' ", "cat <<-E\n\t${WFE_VAR_1}\n\tE\necho '((' ", id="with-tabs"
        ),
        pytest.param(
            "cat <<A <<B\n((a))\nA\n'\nB\necho ((a))",
            'cat <<A <<B\n${WFE_VAR_1}\nA\n\'\nB\necho "${WFE_VAR_1}"',
            id="two",
        ),
        pytest.param(
            "let x=1<<2\necho ((a))", 'let x=1<<2\necho "${WFE_VAR_1}"', id="a-shift-is-no-here-document"
        ),
        pytest.param("cat <<<((a))", 'cat <<<"${WFE_VAR_1}"', id="here-string"),
        pytest.param(
            "# ((nope)) it's\necho ((a))", '# ((nope)) it\'s\necho "${WFE_VAR_1}"', id="comments-are-not-read"
        ),
        pytest.param(
            "echo a#b'((' ((a))", "echo a#b'((' \"${WFE_VAR_1}\"", id="a-hash-in-a-word-is-no-comment"
        ),
        pytest.param(
            "echo $((a)) $(( (1) + ((b)) ))", "echo $((a)) $(( (1) + ((b)) ))", id="arithmetic-is-left-alone"
        ),
        pytest.param(
            "for ((i=0; i<3; i++)); do :; done",
            "for ((i=0; i<3; i++)); do :; done",
            id="bash-loops-are-left-alone",
        ),
        pytest.param("((i++)) || true", "((i++)) || true", id="bash-counting-is-left-alone"),
        pytest.param(r"\((i)); \((j++))", "((i)); ((j++))", id="escaped"),
        pytest.param(
            r"""echo '\((i)) \((x\))' "\${{ i }}" """,
            r"""echo '((i)) \((x\))' "\${{ i }}" """,
            id="escaped-in-quotes",
        ),
        pytest.param(
            'echo "$(echo "((a))" \'(\')"', 'echo "$(echo "${WFE_VAR_1}" \'(\')"', id="substitution"
        ),
        pytest.param(
            'echo "$(case x in x) echo ((a));; esac)((a))"',
            'echo "$(case x in x) echo "${WFE_VAR_1}";; esac)${WFE_VAR_1}"',
            id="case-in-a-substitution",
        ),
        pytest.param(
            'x=`echo "((a))"`; echo ((a))', 'x=`echo "${WFE_VAR_1}"`; echo "${WFE_VAR_1}"', id="backticks"
        ),
        pytest.param(
            'echo ${V:-((a))} "${V:-((a))}"',
            'echo ${V:-"${WFE_VAR_1}"} "${V:-${WFE_VAR_1}}"',
            id="default-words",
        ),
        pytest.param(
            'echo "${V:-it\'s}" ((a))', 'echo "${V:-it\'s}" "${WFE_VAR_1}"', id="an-apostrophe-in-a-default"
        ),
        pytest.param("echo ${V#'}'} ((a))", "echo ${V#'}'} \"${WFE_VAR_1}\"", id="a-quoted-brace"),
        pytest.param(
            r"echo \" ((a)) \' ((a))", r'echo \" "${WFE_VAR_1}" \' "${WFE_VAR_1}"', id="escaped-quotes"
        ),
        pytest.param(
            "( (echo ((a))) ); ((echo ((a)); echo) | cat)",
            '( (echo "${WFE_VAR_1}") ); ((echo "${WFE_VAR_1}"; echo) | cat)',
            id="subshells",
        ),
        pytest.param(
            "case ((a)) in ((b))) echo;; esac",
            'case "${WFE_VAR_1}" in "${WFE_VAR_2}") echo;; esac',
            id="case",
        ),
        pytest.param("f() { echo ((a)); }", 'f() { echo "${WFE_VAR_1}"; }', id="functions"),
        pytest.param("echo ${#x} $# ((a))", 'echo ${#x} $# "${WFE_VAR_1}"', id="a-hash-in-an-expansion"),
        pytest.param("echo no placeholders '$((", "echo no placeholders '$((", id="nothing-to-do"),
    ],
)
def test_a_placeholder_becomes_an_expansion(script: str, bound: str) -> None:
    result = bind(script)
    assert (result.script, result.problems) == (bound, ())


def test_variables_say_what_they_stand_for() -> None:
    assert bind("echo ((a.b)) ${{ var.c }}").variables == {
        "WFE_VAR_1": "((a.b))",
        "WFE_VAR_2": "${{ var.c }}",
    }


@pytest.mark.parametrize(
    ("script", "says"),
    [
        pytest.param("echo '((a))'", "stands in single quotes", id="single-quotes"),
        pytest.param("echo \"$(echo '((a))')\"", "stands in single quotes", id="deep-inside"),
        pytest.param("cat <<'E'\n((a))\nE", "with a quoted `E`", id="a-quoted-here-document"),
        pytest.param("cat <<\\E\n((a))\nE", "with a quoted `E`", id="quoted-by-a-backslash"),
        pytest.param("echo $(( ${{ a }} + 1 ))", "in shell arithmetic", id="arithmetic"),
        pytest.param("(( ${{ a }} > 1 ))", "in shell arithmetic", id="bash-arithmetic"),
        pytest.param("[[ $x == y && ((a)) -gt 1 ]]", "compared as a number in `[[ ]]`", id="a-numeric-test"),
        pytest.param("echo ${x:((a))}", "as a pattern or a number", id="substrings"),
        pytest.param("echo ${x%((a))}", "as a pattern or a number", id="patterns"),
        pytest.param("echo ${{ a b }}", "no name with `}}` follows", id="not-a-name"),
        pytest.param("((a))" + "$(" * 60, "nested more than 50 deep", id="too-deep"),
        pytest.param("((a))" + "${" * 5000, "nested more than 50 deep", id="too-deep-in-expansions"),
        pytest.param("((a))" + '"${x:-' * 5000, "nested more than 50 deep", id="too-deep-in-quotes"),
        pytest.param("((a))" + "(" * 5000, "nested more than 50 deep", id="too-deep-in-subshells"),
        pytest.param("((a))" + " " * (1 << 18), "262144 are the most", id="too-long"),
    ],
)
def test_where_the_shell_would_not_expand_it_is_a_problem_with_a_remedy(script: str, says: str) -> None:
    problem = bind(script).problems[0]
    assert says in problem.what
    assert problem.remedy


def test_a_problem_says_where_it_is() -> None:
    script = "echo ok\necho 'x ((a)) ((b))'"
    assert [script[problem.offset :][:5] for problem in bind(script).problems] == ["((a))", "((b))"]


def test_ansi_quotes_are_known_to_shells_that_have_them() -> None:
    assert "in single quotes" in bind(r"echo $'it\'s ((a))'", "bash").problems[0].what


def test_a_numeric_test_with_single_brackets_is_fine() -> None:
    assert bind('[ ((a)) -gt 1 ] && [[ $x ]] && [[ ((a)) == "x" ]] && test 1 -eq 1').problems == ()


HOSTILE = st.text(alphabet=st.characters(exclude_characters="\0", exclude_categories=["Cs"])) | st.text(
    alphabet="'\"`$(){}\\;&|<>#! \n\t*?[]~=-E"
)
PLACES = """printf %s ((v)); printf '\\1'
printf %s "((v))"; printf '\\1'
x=((v)); printf %s "$x"; printf '\\1'
printf %s "$(printf %s "((v))."; printf '#')"; printf '\\1'
printf %s "${UNSET:-((v))}"; printf '\\1'
cat <<END_OF_IT
((v))
END_OF_IT
"""


@settings(deadline=None, max_examples=60)
@given(HOSTILE)
@example("'; echo pwned; '")
@example("$(echo pwned)`echo pwned`${PATH}")
@example('"; echo pwned; "')
@example("END_OF_IT\necho pwned\n")
@example("\\")
@example("-n")
def test_a_shell_sees_the_value_and_nothing_else(value: str) -> None:
    bound = bind(PLACES)
    assert bound.variables == {"WFE_VAR_1": "((v))"}
    seen = run(bound.script, {"WFE_VAR_1": value})
    assert seen == f"{value}\1{value}\1{value}\1{value}.#\1{value}\1{value}\n"


@given(st.text(alphabet="'\"`$(){}\\;<#E \n-ax((v))"))
def test_no_script_can_make_the_scanner_fail_or_lose_text(script: str) -> None:
    bound = bind(script + "((v))")
    restored = bound.script.replace('"${WFE_VAR_1}"', "((v))").replace("${WFE_VAR_1}", "((v))")
    assert len(restored) <= len(script) + 5
