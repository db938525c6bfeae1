"""Tensors in slices, as TensorFlow's operations name them, and every read that it answers."""

import itertools
import math

import numpy as np
import tensorflow as tf

import bundles

Box = tuple[tuple[int, int], ...]  # start and length of each dimension


def spec(shape, box: Box) -> str:
    """What SaveV2 and RestoreV2 call that box of a tensor of that shape."""
    extents = ":".join(f"{start},{length}" for start, length in box)
    return " ".join([*map(str, shape), extents])


def whole(shape) -> Box:
    return tuple((0, size) for size in shape)


def cut(shape, pieces: int, seed: int = 0) -> list[Box]:
    """That many boxes that make up the shape, cut at random places: seldom a grid."""
    rng = np.random.default_rng(seed)
    boxes = [whole(shape)]
    while len(boxes) < pieces:
        large = max(range(len(boxes)), key=lambda i: math.prod(n for _, n in boxes[i]))
        box = boxes.pop(large)
        axis = int(rng.choice([d for d, (_, length) in enumerate(box) if length > 1]))
        start, length = box[axis]
        at = int(rng.integers(1, length))
        for extent in ((start, at), (start + at, length - at)):
            boxes.append((*box[:axis], extent, *box[axis + 1 :]))
    rng.shuffle(boxes)
    return [tuple((int(start), int(length)) for start, length in box) for box in boxes]


def part(values: np.ndarray, box: Box) -> np.ndarray:
    return values[tuple(slice(start, start + length) for start, length in box)]


def save(prefix, tensors):
    """Writes (name, spec, tensor) by the SaveV2 operation; an empty spec is the whole."""
    names, specs, values = zip(*tensors, strict=True)
    tf.raw_ops.SaveV2(
        prefix=str(prefix),
        tensor_names=names,
        shape_and_slices=specs,
        tensors=[tf.convert_to_tensor(value) for value in values],
    )


def in_boxes(name, values: np.ndarray, boxes: list[Box]) -> list[tuple]:
    """What save() wants for a tensor that is saved in these boxes."""
    return [(name, spec(values.shape, box), part(values, box)) for box in boxes]


def reads_of(shape, boxes: list[Box], seed: int = 0) -> list[str]:
    """Specs of the whole, each box, what two of them span, their corners, and random ones."""
    rng = np.random.default_rng(seed)
    wanted = [whole(shape), *boxes]
    for box in boxes:
        wanted.append(tuple((start, max(1, length - 1)) for start, length in box))
        wanted.append(tuple((start + length - 1, 1) for start, length in box))
    for one, other in itertools.islice(itertools.combinations(boxes, 2), 10):
        starts = [min(a, b) for (a, _), (b, _) in zip(one, other, strict=True)]
        ends = [max(a + m, b + n) for (a, m), (b, n) in zip(one, other, strict=True)]
        wanted.append(tuple((a, b - a) for a, b in zip(starts, ends, strict=True)))
    for _ in range(5):
        starts = [int(rng.integers(0, size)) for size in shape]
        wanted.append(
            tuple(
                (start, int(rng.integers(1, size - start + 1)))
                for start, size in zip(starts, shape, strict=True)
            )
        )
    return list(dict.fromkeys(["", *(spec(shape, box) for box in wanted)]))


def answer(prefix, name, wanted: str, dtype):
    """What TensorFlow reads there, comparable bit by bit, or the kind of its error."""
    try:
        (tensor,) = tf.raw_ops.RestoreV2(
            prefix=str(prefix), tensor_names=[name], shape_and_slices=[wanted], dtypes=[dtype]
        )
    except tf.errors.OpError as error:
        return type(error).__name__
    return bundles.bits(tensor.numpy())


def assert_same_answers(test, found, original, reads) -> int:
    """Each read, (name, spec, dtype), TensorFlow answers equally. Returns how many succeeded."""
    answered = 0
    for name, wanted, dtype in reads:
        expected = answer(original, name, wanted, dtype)
        test.assertEqual(answer(found, name, wanted, dtype), expected, (name, wanted))
        answered += not isinstance(expected, str)
    return answered
