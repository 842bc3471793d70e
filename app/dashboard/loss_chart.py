"""How the loss of a training run went, as curves over its steps."""

from collections.abc import Sequence

from app.dashboard.charts import HEIGHT, WIDTH, Curve, Point
from app.dashboard.numbers import number
from app.use_cases.training_losses import LossPoint

_TOP_ROOM = 1.08


def loss_curves(points: Sequence[LossPoint]) -> Sequence[Curve]:
    """The loss of the steps and, where it was taken on the way, that of held-out rows."""
    trained = [(each.step, each.loss) for each in points if each.loss is not None]
    held_out = [
        (each.step, each.held_out_loss) for each in points if each.held_out_loss is not None
    ]
    titled = (("loss a token", trained), ("held-out loss a token", held_out))
    return [_curve(title, each) for title, each in titled if len(each) > 1]


def _curve(title: str, points: Sequence[Point]) -> Curve:
    steps, highest = points[-1][0], max(loss for _, loss in points)
    first, scale = points[0][0], highest * _TOP_ROOM or 1.0
    width = (steps - first) or 1
    placed = [
        (round(WIDTH * (step - first) / width, 1), round(HEIGHT * (1 - loss / scale), 1))
        for step, loss in points
    ]
    line = "M" + "L".join(f"{x:g} {y:g}" for x, y in placed)
    newest, span = f"{points[-1][1]:.4f}", f"steps {number(first)} to {number(steps)}"
    return Curve(
        title=title,
        value=newest,
        line=line,
        area=f"{line}L{placed[-1][0]:g} {HEIGHT}L{placed[0][0]:g} {HEIGHT}Z",
        limit=None,
        top=f"{highest:.3g}",
        span=span,
        told=f"{title}: {newest}, {highest:.4f} at most, over {span}",
    )
