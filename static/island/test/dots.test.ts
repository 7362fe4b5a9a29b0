import assert from "node:assert/strict";
import test from "node:test";
import { tileOf } from "../src/view/dots";

test("the picture of the dots is large enough to repeat cheaply and ends on a whole px", () => {
  for (let cell = 8; cell < 140; cell += 0.37) {
    const { cells, side } = tileOf(cell);
    assert.ok(Number.isInteger(side) && side >= 250, `${cell}: ${side}`);
    assert.ok(Math.abs(cells * cell - side) <= 0.5, `${cell}: ${cells} cells are not ${side} px`);
  }
});

test("the dots keep their places over a wide screen", () => {
  const worst = { off: 0, cell: 0 };
  for (let zoom = 0.5; zoom < 4; zoom += 0.013) {
    const cell = (zoom >= 2 ? 8 : zoom >= 1 ? 16 : 32) * zoom;
    const { cells, side } = tileOf(cell);
    const off = Math.abs(cells * cell - side) * (1440 / side);
    if (off > worst.off) Object.assign(worst, { off, cell });
  }
  assert.ok(worst.off < 1.5, JSON.stringify(worst));
});
