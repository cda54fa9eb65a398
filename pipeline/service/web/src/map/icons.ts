// The marks of places, drawn here so that no sprite has to be loaded.
import type { Map } from "maplibre-gl";
import type { Ink } from "./style.ts";

const SIZE = 18;

export function addIcons(map: Map, ink: Ink): void {
  for (const name of ["town", "capital"]) {
    if (map.hasImage(name)) map.removeImage(name);
    map.addImage(name, draw(ink, name === "capital"), { pixelRatio: 2 });
  }
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
