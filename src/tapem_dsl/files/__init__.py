"""Files that are written whole or not at all, and hold arrays and JSON; no pickle."""

from tapem_dsl.files.container import Format as Format
from tapem_dsl.files.scalars import decoded as decoded
from tapem_dsl.files.scalars import encoded as encoded
from tapem_dsl.files.whole import check_writable as check_writable
from tapem_dsl.files.whole import content as content
from tapem_dsl.files.whole import write_whole as write_whole
