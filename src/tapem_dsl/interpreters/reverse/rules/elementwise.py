"""Vector-Jacobian products of the functions applied entry by entry."""

from tapem_dsl.interpreters.reverse.table import vjp_rules
from tapem_dsl.ops.elementwise import Cos, Detach, Exp, Log, Relu, Sigmoid, Sin, Tanh

# 0 where x is not positive, even if g is inf
vjp_rules.each(Relu, lambda op, xp, g, x, y: xp.where(x > 0, g, 0))
# y * (1 - y) and 1 - y * y, also where y rounds to 1
vjp_rules.each(Sigmoid, lambda op, xp, g, x, y: xp.sech2(x / 2) / 4 * g)
vjp_rules.each(Tanh, lambda op, xp, g, x, y: xp.sech2(x) * g)
vjp_rules.each(Exp, lambda op, xp, g, x, y: y * g)
vjp_rules.each(Log, lambda op, xp, g, x, y: 1 / x * g)
vjp_rules.each(Sin, lambda op, xp, g, x, y: xp.cos(x) * g)
vjp_rules.each(Cos, lambda op, xp, g, x, y: -(xp.sin(x) * g))
vjp_rules.each(Detach, None)
