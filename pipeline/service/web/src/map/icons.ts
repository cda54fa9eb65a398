// The marks of places and of small alerts, drawn here so that no sprite has to be loaded.
import type { Map } from "maplibre-gl";
import { SEVERITY, type Ink } from "./style.ts";

const SIZE = 18;

/** Diameter of an alert's mark, pixels of the picture; there are two to one of the page. */
const MARK = 60;

export function addIcons(map: Map, ink: Ink): void {
  for (const name of ["town", "capital"]) {
    if (map.hasImage(name)) map.removeImage(name);
    map.addImage(name, draw(ink, name === "capital"), { pixelRatio: 2 });
  }
  Object.entries(SEVERITY).forEach(([severity, colour], at) => {
    for (const earnest of [true, false]) {
      const name = `alert-${severity}-${earnest}`;
      if (map.hasImage(name)) map.removeImage(name);
      map.addImage(name, mark(colour, 4 - at, earnest), { pixelRatio: 2 });
    }
  });
}

/** Draw a disc with four bars, as many filled as the alert is severe; its edge is broken where nobody is warned in earnest. */
function mark(colour: string, level: number, earnest: boolean): ImageData {
  const canvas = new OffscreenCanvas(MARK, MARK).getContext("2d") as OffscreenCanvasRenderingContext2D;
  const middle = MARK / 2;
  const disc = (radius: number, fill: string) => {
    canvas.beginPath();
    canvas.arc(middle, middle, radius, 0, 2 * Math.PI);
    canvas.fillStyle = fill;
    canvas.fill();
  };
  disc(middle - 0.5, "#ffffff");
  disc(middle - (earnest ? 3 : 9), colour);
  if (!earnest) {
    canvas.beginPath();
    canvas.setLineDash([9, 5.6]);
    canvas.arc(middle, middle, middle - 4.5, 0, 2 * Math.PI);
    canvas.lineWidth = 4;
    canvas.strokeStyle = colour;
    canvas.stroke();
  }
  // White cannot be read on the light colours.
  const bars = level === 1 || level === 2 ? "#1b1500" : "#ffffff";
  for (let bar = 0; bar < 4; bar++) {
    const [height, left] = [8 + bar * 5, middle - 16 + bar * 8];
    canvas.globalAlpha = bar < level ? 1 : 0.3;
    canvas.fillStyle = bars;
    canvas.fillRect(left, middle + 11 - height, 6, height);
  }
  canvas.globalAlpha = 1;
  return canvas.getImageData(0, 0, MARK, MARK);
}

function draw(ink: Ink, capital: boolean): ImageData {
  const canvas = new OffscreenCanvas(SIZE, SIZE).getContext("2d") as OffscreenCanvasRenderingContext2D;
  const middle = SIZE / 2;
  canvas.beginPath();
  canvas.arc(middle, middle, capital ? 6 : 4.2, 0, 2 * Math.PI);
  canvas.fillStyle = ink.halo;
  canvas.fill();
  canvas.lineWidth = 2.4;
  canvas.strokeStyle = ink.town;
  canvas.stroke();
  if (capital) {
    canvas.beginPath();
    canvas.arc(middle, middle, 2.6, 0, 2 * Math.PI);
    canvas.fillStyle = ink.town;
    canvas.fill();
  }
  return canvas.getImageData(0, 0, SIZE, SIZE);
}
