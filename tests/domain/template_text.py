"""Template files as a test needs them, written out by hand."""

FILE = """\
dataset: weather
subset: daily
templates:
  11111111-1111-4111-8111-111111111111: !Template
    answer_choices: rain ||| sun
    id: 11111111-1111-4111-8111-111111111111
    jinja: 'How is it? {{ report }} ||| {{ answer_choices[label] }}'
    metadata: !TemplateMetadata
      choices_in_prompt: false
      languages: [en]
      metrics:
      - Accuracy
      original_task: true
    name: how is it
    reference: ours
  22222222-2222-4222-8222-222222222222: !Template
    answer_choices: null
    id: 22222222-2222-4222-8222-222222222222
    jinja: "{% if label == 1 %}\\nReport a sunny day. ||| {{ report }}\\n{% endif %}"
    metadata: !TemplateMetadata {}
    name: report
    reference: ''
    task_template: true
"""


def one_template(**fields: str) -> str:
    """A file of one template, whose lines of the given names are replaced or added."""
    lines = {"id": "x", "name": "n", "jinja": "'{{ a }} ||| b'"} | fields
    body = "".join(f"    {name}: {value}\n" for name, value in lines.items())
    return f"dataset: d\ntemplates:\n  x: !Template\n{body}"
