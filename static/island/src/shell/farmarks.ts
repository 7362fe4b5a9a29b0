// Notes and groups in the far view, where their elements could not be read: frames with their names, and from
// farther away one tile for each group.
import type { FlowCanvas } from "../canvas/flowcanvas";
import { fitText, type Rect } from "../model/geometry";
import { readMarks } from "../model/marks";
import { TONES } from "../view/look";
import { groupBox } from "./marks";

/** Below this zoom a group is one tile. */
const TILES = 0.15;
const SIZE = 11;

export function paintMarksFar(canvas: FlowCanvas, c: CanvasRenderingContext2D, zoom: number): void {
  const { desk } = canvas;
  const { groups, notes } = readMarks(canvas.model);
  const { theme } = desk.view;
  const isFar = zoom < TILES;
  const frame = ({ x, y, w, h }: Rect, tone: keyof typeof TONES, share: number): void => {
    const color = `var(${TONES[tone]})`;
    c.beginPath();
    c.roundRect(x, y, w, h, Math.min(12, h / 2));
    c.globalAlpha = share;
    c.fillStyle = theme.color(`color-mix(in srgb, ${color} 30%, var(--surface))`);
    c.fill();
    c.globalAlpha = 1;
    c.lineWidth = 1.25 / zoom;
    c.strokeStyle = theme.color(`color-mix(in srgb, ${color} 70%, var(--surface))`);
    c.stroke();
  };
  for (const note of notes) frame(note, note.tone, isFar ? 0.9 : 0.35);
  c.font = `600 ${SIZE / zoom}px ${theme.font}`;
  c.textBaseline = "middle";
  c.textAlign = "center";
  for (const group of groups) {
    const box = groupBox(desk.scene, group);
    if (!box) continue;
    if (!group.folded) frame(box, group.tone, isFar ? 1 : 0.08);
    c.fillStyle = theme.color("var(--text)");
    const name = fitText(group.title || "Group", SIZE * 1.08, box.w * zoom - 8);
    c.fillText(name, box.x + box.w / 2, isFar || group.folded ? box.y + box.h / 2 : box.y - (0.8 * SIZE) / zoom);
  }
}
