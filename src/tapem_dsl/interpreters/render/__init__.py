"""Tapes, programs and gradients as text, HTML and drawings."""

from tapem_dsl.interpreters.render.cells import GradientMap as GradientMap
from tapem_dsl.interpreters.render.gradients import (
    gradients_to_text as gradients_to_text,
)
from tapem_dsl.interpreters.render.graphs import ancestors as ancestors
from tapem_dsl.interpreters.render.graphs import to_dot as to_dot
from tapem_dsl.interpreters.render.graphs import to_mermaid as to_mermaid
from tapem_dsl.interpreters.render.graphs import to_svg as to_svg
from tapem_dsl.interpreters.render.html import samples_to_html as samples_to_html
from tapem_dsl.interpreters.render.html import to_html as to_html
from tapem_dsl.interpreters.render.notebooks import (
    load_ipython_extension as load_ipython_extension,
)
from tapem_dsl.interpreters.render.tables import print_tape as print_tape
from tapem_dsl.interpreters.render.tables import to_rich as to_rich
from tapem_dsl.interpreters.render.tables import to_text as to_text
