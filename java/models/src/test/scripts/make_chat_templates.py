"""Writes what transformers makes of chat templates.

python make_chat_templates.py ../resources/golden/chat.json     (needs transformers)

The templates are ours, and use what those of known families use: Llama 2 and 3, Mistral, Qwen2 and
3, Gemma 2, ChatML, Zephyr. "texts" has every template with every conversation, with and without the
generation prompt; what raises has its message under "raised", what fails otherwise is left out.
"snippets" are small templates that show one thing each; where "text" is null, Python refuses.
"""
import json
import sys

from jinja2.exceptions import TemplateError
from transformers.utils.chat_template_utils import render_jinja_template

TOKENS = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"}

TEMPLATES = {
    # Slices, namespaces of a set before the loop, modulo, raise, strip, concatenation with +.
    "llama2": """\
{% if messages[0]['role'] == 'system' %}\
{% set rest = messages[1:] %}{% set opening = messages[0]['content'] %}\
{% else %}{% set rest = messages %}{% set opening = false %}{% endif %}\
{% for m in rest %}\
{% if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}\
{{ raise_exception('Roles must alternate: ' ~ m['role'] ~ ' at ' ~ loop.index) }}\
{% endif %}\
{% if loop.index0 == 0 and opening != false %}\
{% set body = '<<SYS>>\\n' + opening + '\\n<</SYS>>\\n\\n' + m['content'] %}\
{% else %}{% set body = m['content'] %}{% endif %}\
{% if m['role'] == 'user' %}{{ bos_token + '[INST] ' + body.strip() + ' [/INST]' }}\
{% elif m['role'] == 'assistant' %}{{ ' ' + body.strip() + ' ' + eos_token }}{% endif %}\
{% endfor %}""",
    # The filter trim, set in the loop, an if within a print, defaults of what is not given.
    "llama3": """\
{{- bos_token }}
{%- if not date_string is defined %}
    {%- set date_string = "26 Jul 2024" %}
{%- endif %}
{%- if not tools_in_user_message is defined %}{%- set tools_in_user_message = true %}{%- endif %}
{%- if messages[0]['role'] == 'system' %}
    {%- set system = messages[0]['content'] | trim %}
    {%- set messages = messages[1:] %}
{%- else %}
    {%- set system = "" %}
{%- endif %}
{#- The head is always written. -#}
{{- "<|start|>system<|end|>\\n\\n" }}
{%- if tools is not none %}
    {{- "Tools: " ~ (tools | tojson(indent=4)) }}
{%- endif %}
{{- "Today: " + date_string + "\\n\\n" }}
{{- system }}
{{- "<|eot|>" }}
{%- for message in messages %}
    {%- if not (message.role == 'ipython' or message.role == 'tool' or 'tool_calls' in message) %}
        {{- '<|start|>' + message['role'] + '<|end|>\\n\\n' + message['content'] | trim + '<|eot|>' }}
    {%- elif 'tool_calls' in message %}
        {{- raise_exception("This model only supports single tool-calls at once!") }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|start|>assistant<|end|>\\n\\n' }}
{%- endif %}
""",
    # Namespaces that count, selectattr, filtered loops, an else of a loop, loop.last.
    "mistral": """\
{%- if messages[0]["role"] == "system" -%}
    {%- set system = messages[0]["content"] -%}
    {%- set turns = messages[1:] -%}
{%- else -%}
    {%- set turns = messages -%}
{%- endif -%}
{%- set user_messages = turns | selectattr("role", "equalto", "user") | list -%}
{%- set ns = namespace() -%}
{%- set ns.index = 0 -%}
{%- for message in turns -%}
    {%- if message.role == "user" or (message.role == "assistant" and message.tool_calls is not defined) -%}
        {%- if (message["role"] == "user") != (ns.index % 2 == 0) -%}
            {{- raise_exception("After the optional system message, roles must alternate user/assistant") -}}
        {%- endif -%}
        {%- set ns.index = ns.index + 1 -%}
    {%- endif -%}
{%- endfor -%}
{{- bos_token -}}
{%- for message in turns -%}
    {%- if message["role"] == "user" -%}
        {%- if (message == user_messages[-1]) and system is defined -%}
            {{- "[INST]" + system + "\\n\\n" + message["content"] + "[/INST]" -}}
        {%- else -%}
            {{- "[INST] " + message["content"] + "[/INST]" -}}
        {%- endif -%}
    {%- elif message["role"] == "assistant" -%}
        {%- if message.content is not none and message.content | length > 0 -%}
            {{- " " + message["content"] | trim + eos_token -}}
        {%- endif -%}
    {%- else -%}
        {{- raise_exception("Only user and assistant roles are supported!") -}}
    {%- endif -%}
{%- else -%}
    {{- "(nothing said)" -}}
{%- endfor -%}
""",
    # Conversation in the loop's test, a default system message, a print across lines.
    "qwen2": """\
{% for message in messages %}
{% if loop.first and messages[0]['role'] != 'system' %}
{{ '<|im_start|>system\\nYou are a helpful assistant.<|im_end|>\\n' }}
{%- endif %}
{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + ('' if loop.last and not add_generation_prompt else '\\n') }}
{%- endfor %}
{% if add_generation_prompt -%}
{{ '<|im_start|>assistant\\n' }}
{%- endif %}
""",
    # Backwards, split and strip of one side, in, nested namespaces, tojson of messages.
    "qwen3": """\
{%- set ns = namespace(searching=true, last=messages|length - 1) %}
{%- for message in messages[::-1] %}
    {%- set index = (messages|length - 1) - loop.index0 %}
    {%- if ns.searching and message.role == "user" and message.content is string and not(message.content.startswith('<tool>') and message.content.endswith('</tool>')) %}
        {%- set ns.searching = false %}
        {%- set ns.last = index %}
    {%- endif %}
{%- endfor %}
{%- for message in messages %}
    {%- if message.content is string %}
        {%- set content = message.content %}
    {%- else %}
        {%- set content = '' %}
    {%- endif %}
    {%- if (message.role == "user") or (message.role == "system" and not loop.first) %}
        {{- '<|im_start|>' + message.role + '\\n' + content + '<|im_end|>' + '\\n' }}
    {%- elif message.role == "assistant" %}
        {%- set thoughts = '' %}
        {%- if message.reasoning_content is string %}
            {%- set thoughts = message.reasoning_content %}
        {%- elif '</think>' in content %}
            {%- set thoughts = content.split('</think>')[0].rstrip('\\n').split('<think>')[-1].lstrip('\\n') %}
            {%- set content = content.split('</think>')[-1].lstrip('\\n') %}
        {%- endif %}
        {%- if loop.index0 > ns.last %}
            {%- if loop.last or (not loop.last and thoughts) %}
                {{- '<|im_start|>' + message.role + '\\n<think>\\n' + thoughts.strip('\\n') + '\\n</think>\\n\\n' + content.lstrip('\\n') }}
            {%- else %}
                {{- '<|im_start|>' + message.role + '\\n' + content }}
            {%- endif %}
        {%- else %}
            {{- '<|im_start|>' + message.role + '\\n' + content }}
        {%- endif %}
        {{- '<|im_end|>\\n' }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
    {%- if enable_thinking is defined and enable_thinking is false %}
        {{- '<think>\\n\\n</think>\\n\\n' }}
    {%- endif %}
{%- endif %}""",
    # Another name of a role, no system messages, comments.
    "gemma2": """\
{{ bos_token }}{# First, as always. #}
{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}
{% for message in messages %}
{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}
{% if (message['role'] == 'assistant') %}{% set role = 'model' %}{% else %}{% set role = message['role'] %}{% endif %}
{{ '<start_of_turn>' + role + '\\n' + message['content'] | trim + '<end_of_turn>\\n' }}
{% endfor %}
{% if add_generation_prompt %}{{'<start_of_turn>model\\n'}}{% endif %}
""",
    # No minus anywhere: lstrip_blocks and trim_blocks do everything. The tag generation.
    "chatml": """\
{% for message in messages %}
    {% if message.role == 'assistant' %}
<|im_start|>assistant
        {% generation %}
{{ message.content }}<|im_end|>
        {% endgeneration %}
    {% else %}
<|im_start|>{{ message.role }}
{{ message.content }}<|im_end|>
    {% endif %}
{% endfor %}
{% if add_generation_prompt %}
<|im_start|>assistant
{% endif %}
""",
    # As zephyr: text between the tags.
    "zephyr": """\
{% for message in messages %}
{% if message['role'] == 'user' %}
{{ '<|user|>\\n' + message['content'] + eos_token }}
{% elif message['role'] == 'system' %}
{{ '<|system|>\\n' + message['content'] + eos_token }}
{% elif message['role'] == 'assistant' %}
{{ '<|assistant|>\\n'  + message['content'] + eos_token }}
{% endif %}
{% if loop.last and add_generation_prompt %}
{{ '<|assistant|>' }}
{% endif %}
{% endfor %}""",
    # Macros with defaults, continue and break, items, map and join, blocks of set, previtem.
    "macros": """\
{%- macro turn(role, content, end='<end>') -%}
    [{{ role|upper }}]{{ content }}{{ end }}
{%- endmacro -%}
{%- set roles %}{{ messages | map(attribute='role') | join(',') }}{% endset -%}
{{ roles }}:
{%- for message in messages if message.content -%}
    {%- if message.role == 'system' -%}{%- continue -%}{%- endif -%}
    {%- if loop.index > 3 -%}{%- break -%}{%- endif -%}
    {{ turn(message.role, message.content, end='.' if loop.last else '; ') }}
    {{- '(again)' if loop.previtem is defined and loop.previtem.role == message.role }}
{%- endfor -%}
{% for key, value in messages[0].items() %}{{ key }}={{ value | tojson }}{{ ',' if not loop.last }}{% endfor %}
""",
}

CONVERSATIONS = {
    "one": [["user", "Hello!"]],
    "system": [["system", "Be short."], ["user", "Why?"]],
    "turns": [["user", "One"], ["assistant", "Two"], ["user", "Three"], ["assistant", "Four"],
              ["user", "Five"]],
    "system and turns": [["system", "Only verse."], ["user", "Go"], ["assistant", "Roses"],
                         ["user", "More"]],
    "answered": [["user", "Q"], ["assistant", "A"]],
    "white space": [["system", "\n  odd\t \n"], ["user", "  a \n\n b\u00a0\n"],
                    ["assistant", "\u2003c\r\n"], ["user", " \n"]],
    "unicode": [["user", "Grüße, 世界! \U0001f600 e\u0301 \u200d"], ["assistant", "\U0001f44d\U0001f3fd"],
                ["user", "\ufeff\u202eabc"]],
    "empty": [["user", ""]],
    "empty answers": [["system", ""], ["user", "x"], ["assistant", ""], ["user", "y"]],
    "template in it": [["user", "{{ 7 * 7 }} {% raw %} {# x #} </s> \\n '\"<&"]],
    "looks false": [["system", "false"], ["user", "0"], ["assistant", "None"], ["user", "False"]],
    "thoughts": [["user", "2+2?"], ["assistant", "<think>\nmath\n</think>\n\n4"], ["user", "Sure?"],
                 ["assistant", "<think>again</think>Yes"]],
    "assistant first": [["assistant", "Hi"], ["user", "Who?"]],
    "twice": [["user", "a"], ["user", "b"]],
    "late system": [["user", "a"], ["assistant", "b"], ["system", "c"], ["user", "d"]],
    "other role": [["user", "a"], ["tool", "b"]],
}

MESSAGES = [["system", "  Be\n nice é "], ["user", "{{ 1+1 }} 'q' \"d\""], ["assistant", ""]]

SNIPPETS = r"""
{{ messages[0].content.strip() }}|{{ messages[0]['content'] | trim }}|{{ ' x ' | trim | length }}
{{ messages[1:] | length }}|{{ messages[-1].role }}|{{ messages[5] }}|{{ messages[0].nope }}
{% for m in messages[::-1] %}{{ m.role }},{% endfor %}{{ 'abc'[::-1] }}{{ 'abcdef'[4:1:-2] }}{{ 'abc'[-9:9] }}
{{ 'a</think>b'.split('</think>')[-1] }}{{ 'a-b-c'.split('-', 1) }}{{ 'a-b-c'.rsplit('-', 1) }}{{ ' a  b '.split() }}
{% if 'false' %}T{% else %}F{% endif %}{% if '0' %}T{% endif %}{% if '' %}T{% endif %}{% if [] %}T{% endif %}{% if {} %}T{% endif %}{% if 0 %}T{% endif %}{% if 0.0 %}T{% endif %}
{{ true }} {{ none }} {{ 1.0 }} {{ 3/2 }} {{ 4/2 }} {{ 7//2 }} {{ -7//2 }} {{ -7 % 3 }} {{ 2**3 }} {{ 0.1 + 0.2 }} {{ 1e3 }} {{ 1_000 }}
{{ '1' == 1 }} {{ 1 == 1.0 }} {{ true == 1 }} {{ none == false }} {{ [1, 'a'] == [1.0, 'a'] }} {{ (1, 2) == [1, 2] }} {{ {'a': 1} == {'a': 1} }}
{{ nope }}|{% if nope %}T{% else %}F{% endif %}{% if nope is defined %}T{% else %}F{% endif %}{{ nope | length }}{{ nope == nah }}{{ nope is none }}
{{ nope.x }}
{{ messages[0].nope.deeper }}
{{ nope + 'x' }}
{{ nope() }}
{{ messages.append(1) }}
{{ 'a' + 1 }}
{{ 'a' < 1 }}
{{ none | length }}
{% for x in none %}{% endfor %}
{% for x in nope %}{{ x }}{% else %}E{% endfor %}
{% for m in messages %}{% if loop.first %}{% set c = 1 %}{% endif %}{{ 'D' if c is defined else 'U' }}{% endfor %}
{% set x = 1 %}{% for i in [1, 2] %}{{ x }}{% set x = x + i %}{{ x }};{% endfor %}{{ x }}
{% set x = 1 %}{% if true %}{% set x = 2 %}{% endif %}{{ x }}
{% for m in messages if m.role != 'system' %}{{ loop.index0 }}{{ m.role }}{{ loop.last }}{{ loop.length }};{% endfor %}{{ m }}
{% for i in range(3) %}{{ loop.index }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.depth }}{{ loop.cycle('a', 'b') }}{{ loop.previtem }}{{ loop.nextitem }};{% endfor %}
{% for i in range(2) %}{% for j in range(2) %}{{ loop.depth0 }}{{ loop.index }}{% endfor %}{{ loop.index }}{% endfor %}
{% set ns = namespace(found=false, n=0) %}{% for m in messages %}{% set ns.n = ns.n + 1 %}{% if loop.last %}{% set ns.found = true %}{% endif %}{% endfor %}{{ ns.n }}{{ ns.found }}{{ ns.none }}
{{ not 1 == 2 }}{{ not true and false }}{{ 1 ~ 2 * 3 }}
{{ 'a' ~ 1 + 2 }}
{{ 'a' ~ 1 ~ none ~ true ~ nope }}{{ 'a' + 'b' ~ 'c' }}{{ 2 + 3 * 4 - 1 }}{{ (2 + 3) * 4 }}{{ -2 ** 2 }}{{ 2 ** 3 ** 2 }}
{{ 'x' if false }}|{{ 'x' if nope else 'y' if true else 'z' }}
{{ messages | tojson }}
{{ {'b': [1, true, none, 1.5, 'é<"\u0001\\/\n'], 'a': {}} | tojson }}|{{ {'b': 1, 'a': [1, {'c': []}]} | tojson(indent=2) }}|{{ {'b': 1, 'a': 2} | tojson(sort_keys=true) }}
{{ messages[0] }}{{ [1, 'a', none, true, 1.5, (1,), (), {}, "it's", '\t\u200b\x7f'] }}{{ {'k': ['v']} }}{{ (1, 'b') }}
{{ messages | selectattr('role', 'equalto', 'user') | map(attribute='content') | join('+') }}{{ messages | rejectattr('role', '==', 'user') | list | length }}
{{ messages | selectattr('content') | list | length }}{{ messages | map(attribute='role') | map('upper') | list }}{{ [1, 2, 3] | select('odd') | list }}{{ [0, 1] | reject | first }}
{% if messages | selectattr('role', 'equalto', 'nobody') %}T{% else %}F{% endif %}
{{ (messages | selectattr('role', '==', 'user') | list)[0].content }}{{ messages | map(attribute='zz', default='d') | first }}
{% macro f(a, b='z') %}[{{ a }}{{ b }}]{% endmacro %}{{ f('q') }}{{ f('q', b='w') }}{{ f() }}{{ f('x') | upper }}
{% macro f(a) %}{{ a }}{% endmacro %}{{ f(1, 2) }}
{% set y = 'out' %}{% macro f() %}{{ y }}{{ i }}{% endmacro %}{% for i in [1, 2] %}{% set y = 'in' %}{{ f() }}{% endfor %}
{% macro f(n) %}{{ n }}{% if n > 0 %}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(3) }}
{% set x %}  hey {{ 1 }} {% endset %}[{{ x }}]{{ x | length }}
{{ messages[0].content is string }}{{ messages is iterable }}{{ messages is sequence }}{{ messages[0] is mapping }}{{ 'abc' is iterable }}{{ none is none }}{{ 1 is number }}{{ true is number }}{{ 1.0 is integer }}{{ true is boolean }}{{ 1 is true }}{{ 3 is odd }}{{ 4 is divisibleby 2 }}{{ 'a' is in ['a'] }}{{ 'x' is eq('x') }}{{ nope is not defined }}{{ f is callable }}{{ range is callable }}{{ 1 is string }}{{ none is mapping }}
{{ 'content' in messages[0] }}{{ 'x' not in 'abc' }}{{ 'b' in 'abc' }}{{ 2 in [1, 2] }}{{ 'a' in ('a', 'b') }}{{ 1 < 2 < 3 }}{{ 1 < 3 < 2 }}{{ 'Z' < 'a' }}{{ 1 in 'abc' if false else 'ok' }}
{{ 'abc'[1:] }}{{ 'abc'[0] }}{{ 'abc'[-1] }}{{ 'abc'[:-1] }}{{ 'a😀b'[1] }}{{ 'a😀b' | length }}{{ '😀😁'[1:] }}{{ 'abc'[7] }}
{{ 'abc'.startswith('a') }}{{ 'abc'.endswith(('x', 'c')) }}{{ 'abc'.upper() }}{{ "they're a-B c".title() }}{{ "they're a-B c" | title }}{{ 'aXb'.capitalize() }}{{ 'a-b-c'.replace('-', '+', 1) }}{{ 'a-b' | replace('-', '+') }}
{{ 'xxaxx'.strip('x') }}{{ 'xyaxy'.lstrip('yx') }}{{ 'a\n\n'.rstrip('\n') }}|{{ 'ab'.removeprefix('a') }}{{ 'ab'.removesuffix('b') }}{{ ','.join(['a', 'b']) }}{{ 'abcb'.find('b') }}{{ 'abcb'.rfind('b') }}{{ 'abcb'.count('b') }}{{ 'a\nb\r\nc'.splitlines() }}
{{ 'a\nb\\c\'d\t\x41\u00e9\101\q' }}{{ "d\"q" }}{{ 'a' 'b' }}
{{ messages[0].items() | list | length }}{% for k, v in messages[0].items() %}{{ k }}={{ v }};{% endfor %}{{ messages[0].keys() | list }}{{ messages[0] | length }}{{ messages[0] | list }}{{ {'b': 1, 'A': 2} | dictsort }}
{{ messages[0].get('role') }}{{ messages[0].get('zz') }}{{ messages[0].get('zz', 'd') }}{{ dict(a=1)['a'] }}{{ {'items': 3}['items'] }}
{% for i in range(3) %}{% if i == 1 %}{% continue %}{% endif %}{{ i }}{% endfor %}{% for i in range(9) %}{% if i == 2 %}{% break %}{% endif %}{{ i }}{% else %}E{% endfor %}{{ range(5, 0, -2) | list }}
{{ nope | default('d') }}{{ '' | default('e') }}{{ '' | default('e', true) }}{{ nope or 'f' }}{{ '' or 'g' }}{{ 'x' and 'y' }}{{ none | d('h') }}
{{ "{{ 1 }}" }}{% raw %} {{ x }} {% y %} {% endraw %}!
{{ 'abc' | upper | length }}{{ [1, 2, 3] | last }}{{ [] | first }}{{ 'ab' | list }}{{ 'ab' | reverse }}{{ [1, 2] | reverse | list }}{{ '3' | int + 1 }}{{ 'x' | int }}{{ 'x' | int(7) }}{{ '2.9' | int }}{{ 3.7 | int }}{{ '1.5' | float }}{{ -3 | abs }}{{ 5 | string + '!' }}
{{ 'a\nb\n\nc' | indent }}|{{ 'a\nb' | indent(2, true) }}
{{ 'ab' * 2 }}{{ [1] * 2 }}{{ [1] + [2] }}{{ true + 1 }}
{% set a, b = 1, 2 %}{{ a }}{{ b }}{% for x, y in [(1, 2), [3, 4]] %}{{ x }}{{ y }}{% endfor %}{% set t = 1, %}{{ t }}
{% set a, b = [1] %}
{% for i in [1, 2] %}{{ i }}{% continue %}{% else %}E{% endfor %}{% for i in [1, 2] %}{% break %}{% else %}F{% endfor %}
{% for i in [1, 2] %}{% for j in [] %}{% else %}{% continue %}{% endfor %}never{% endfor %}{% for i in [1, 2] %}{{ i }}{% for j in [] %}{% else %}{% break %}{% endfor %}{% endfor %}
{{ true | indent }}
{% unknown %}
{% if true %}
{{ 1 + }}
{{ 'open }}
{{ (1] }}
{% for x in y
{# open
{{ nofunc('x') }}
{{ 'x' | nofilter }}
{{ 1 is notest }}
{{ 'a'.nomethod() }}
{{ 1 / 0 }}
{{ raise_exception('because') }}
{{ messages[0].content.__class__.__mro__ }}
{{ ''.__class__.__base__.__subclasses__() }}
{{ loop.index }}
{{ range(200000) | length }}
{{ 'a' }}{{ 'b' -}}   x   {{- 'c' }}  y  {%- if true -%}  z  {%- endif -%}  w
{% generation %}g{% set inner = 1 %}{% endgeneration %}{{ inner }}
{{ [{'a': {'b': 1}}] | map(attribute='a.b') | list }}{{ [[1, 2]] | map(attribute=1) | list }}
{{ 1 if messages and messages[0]['role'] == 'system' and loop is not defined }}{{ messages[0]['role'] in ['user', 'system'] and not (messages[1].tool_calls is defined) }}
{{ {'a': 1, 'b': 2}.items() | list }}{% if {}.items() %}T{% else %}F{% endif %}{{ {'a': 1}.values() | first }}
""".strip("\n").split("\n")

WHITE_SPACE = [
    "  {% if true %}\n  a\n  {% endif %}\n  b\n  {# note #}\n  c {%- if true %} d{% endif -%}  \n e\n\n",
    "a {% if true %} b {% endif %} c\n",
    "a\n\n{% if true %}\n\nb\n{% endif %}\n\n",
    "\t {%+ if true %}\n x {%- endif +%}\n y\n",
    "{% for i in [1, 2] %}\n  {{ i }}\n{% endfor %}\nend",
    "{% for i in [1, 2] -%}\n  {{ i }}\n{%- endfor %}\nend\n",
    " {{- 'a' -}} \n {{ 'b' }}\n  {{ 'c' }}  \n",
    "x\r\n{% if true %}\r\ny\r{% endif %}\r\nz\r\n",
    "{#- a -#}  b  {#+ c +#}\n d {# e #}\n  {# f #}  {# g #}\nh",
    "  {% raw %}\n a {{ b }}\n  {% endraw %}\n c",
    "  {%- raw -%}\n a {{ b }}\n  {%- endraw -%}\n c",
    "{% if true %}{% endif %}  {% if true %}x{% endif %}\n   {% if true %}y{% endif %}",
    "\n", "", "\n\n", "{{ 1 }}\n\n", "{% set a = '}}' %}{{ a }}{{ '%}' }}{{ {'a': {'b': 1}} }}",
    "{{ {'a': 1}['a'] }}{{ [[1]][0][0] }} { { } } {x} %}",
]


def render(template, messages, **more):
    chat = [{"role": role, "content": content} for role, content in messages]
    return render_jinja_template([chat], chat_template=template, **TOKENS, **more)[0][0]


def main(path):
    texts, snippets = [], []
    for name, template in TEMPLATES.items():
        for conversation, messages in CONVERSATIONS.items():
            for prompt in (False, True):
                case = {"template": name, "conversation": conversation, "prompt": prompt}
                try:
                    case["text"] = render(template, messages, add_generation_prompt=prompt)
                except TemplateError as e:
                    if type(e) is not TemplateError:
                        raise
                    case["raised"] = e.message
                texts.append(case)
    for source in SNIPPETS + WHITE_SPACE:
        try:
            text = render(source, MESSAGES, add_generation_prompt=False)
        except Exception:
            text = None
        snippets.append({"source": source, "text": text})
    result = {"tokens": TOKENS, "templates": TEMPLATES, "conversations": CONVERSATIONS,
              "texts": texts, "messages": MESSAGES, "snippets": snippets}
    with open(path, "w", encoding="utf-8") as file:
        json.dump(result, file, indent=1)
        file.write("\n")


if __name__ == "__main__":
    main(sys.argv[1])
