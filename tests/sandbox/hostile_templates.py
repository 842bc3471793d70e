"""Sixty-odd templates that try to get out, to read what is not theirs, or to use up the machine.

Each has the reasons for which it may be stopped. Those that Jinja itself renders harmlessly have
the text that may come out of them instead.
"""

from typing import NamedTuple

STOPPED = frozenset({"forbidden", "error"})
USED_UP = frozenset({"cpu_time", "memory", "crashed", "too_long", "error"})


class Hostile(NamedTuple):
    """A template text and what may come of it: reasons, or the only input it may render to."""

    jinja: str
    expected: frozenset[str] | str


REACHING = (
    "{{ ''.__class__ }}",
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ [].__class__.__base__.__subclasses__() }}",
    "{{ ().__class__.__bases__[0] }}",
    "{{ {}.__class__.__init__.__globals__ }}",
    "{{ (1).__class__ }}",
    "{{ text['__class__'] }}",
    "{{ text|attr('__class__') }}",
    "{{ text|attr('__cl' ~ 'ass__') }}",
    "{{ text|attr(['__cla', 'ss__']|join) }}",
    "{{ [text]|map(attribute='__class__')|list }}",
    "{{ [text]|map('attr', '__class__')|list }}",
    "{{ [text]|groupby('__class__')|list }}",
    "{{ [text]|sum('__class__') }}",
    "{{ self.__init__.__globals__ }}",
    "{{ self._TemplateReference__context }}",
    "{{ self.__dict__ }}",
    "{{ request.application.__globals__ }}",
    "{{ config.items() }}",
    "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
    "{{ joiner.__init__.__globals__ }}",
    "{{ namespace.__init__.__globals__ }}",
    "{{ lipsum.__globals__ }}",
    "{{ lipsum(n=10**9) }}",
    "{{ dict.__base__ }}",
    "{{ range.__class__ }}",
    "{{ zip.__call__ }}",
    "{{ [].append.__self__.__class__ }}",
    "{{ ''.join.__self__ }}",
    "{{ '{0.__class__}'.format(text) }}",
    "{{ '{0.__class__.__mro__}'.format(text) }}",
    "{{ '{x.__class__}'.format(x=text) }}",
    "{{ '{x.__class__}'.format_map({'x': text}) }}",
    "{% set f = '{0.__class__}'.format %}{{ f(text) }}",
    "{{ ('{0.__class__}'|attr('format'))(text) }}",
    "{{ {'f': '{0.__class__}'.format}.f(text) }}",
    "{{ ['{0.__class__}'.format][0](text) }}",
    "{% macro m() %}{% endmacro %}{{ m.__init__.__globals__ }}",
    "{% macro m() %}{% endmacro %}{{ m._func.__globals__ }}",
    "{% for x in [1] %}{{ loop.__class__ }}{% endfor %}",
    "{% include '/etc/passwd' %}",
    "{% extends '/etc/passwd' %}",
    "{% import 'os' as os %}{{ os.environ }}",
    "{% from '/etc/passwd' import x %}{{ x }}",
    "{{ range(10**9)|list }}",
)

EXHAUSTING = (
    "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
    "{% for a in range(99999) %}{{ text }}{% endfor %}",
    "{{ 'a' * 10 ** 9 }}",
    "{{ 'a' * 10 ** 7 }}",
    "{{ [0] * 10 ** 9 }}",
    "{{ 99999999 ** 99999999 }}",
    "{{ (10 ** (10 ** 8)) % 7 }}",
    "{{ '%1000000000d'|format(1) }}",
    "{{ '%.1000000000f'|format(1.0) }}",
    "{{ '{:1000000000d}'.format(1) }}",
    "{{ 'a'|center(10 ** 9) }}",
    "{{ 'a\nb'|indent(10 ** 9, true) }}",
    "{{ [1]|batch(10 ** 9, 'x')|list }}",
    "{{ [1]|slice(10 ** 9)|list }}",
    "{{ ('a' * 60000)|replace('', 'b' * 60000) }}",
    "{% set n = namespace(s='a') %}{% for i in range(60) %}{% set n.s = n.s ~ n.s %}{% endfor %}",
    "{% set l = [1] %}{% for i in range(60) %}{% if l.extend(l) %}{% endif %}{% endfor %}",
    "{% set n = namespace(l=[]) %}{% for i in range(99999) %}{% set n.l = [n.l, n.l] %}{% endfor %}"
    "{{ n.l }}",
    "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}",
    "{{ " + "(" * 3000 + "1" + ")" * 3000 + " }}",
    "{{ " + "[" * 3000 + "]" * 3000 + " }}",
    "{% if 1 %}" * 800 + "{% endif %}" * 800,
    "{{ " + "-" * 20000 + "1 }}",
    "{% for a in 'x' * 10 ** 8 %}{% endfor %}",
)

HARMLESS = {
    "{{ config }}.": ".",
    "{{ environ }}{{ os }}{{ open }}{{ __builtins__ }}{{ __import__ }}.": ".",
    "{{ '%s'|format('{0.__class__}') }}.": "{0.__class__}.",
    "{% set l = [] %}{% if l.append(l) %}{% endif %}{{ l }}.": "[[...]].",
    "{% raw %}{{ 7 * 7 }}{% endraw %}.": "{{ 7 * 7 }}.",
    "{{ ns }}{% set ns = namespace() %}{{ ns.dict is defined }}.": "False.",
}

CORPUS = [
    *(Hostile(jinja, STOPPED) for jinja in REACHING),
    *(Hostile(jinja, USED_UP) for jinja in EXHAUSTING),
    *(Hostile(jinja, rendered) for jinja, rendered in HARMLESS.items()),
]
