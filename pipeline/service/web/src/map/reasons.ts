// The exclusion mask over the values: where the method is limited or cannot know, dots, so that the value below can still be read.
import { addProtocol } from "maplibre-gl";

const SCHEME = "reasons";

/** Period of the pattern, pixels; it divides the size of a tile, so that the pattern goes on from tile to tile. */
const PERIOD = 8;

type Canvas = OffscreenCanvasRenderingContext2D;

export function register(): void {
  addProtocol(SCHEME, async ({ url }, abort) => {
    const [colour, address] = url.slice(SCHEME.length + 3).split("|") as [string, string];
    const response = await fetch(address, { signal: abort.signal });
    if (!response.ok) throw new Error(`${address}: found status ${response.status}`);
    return { data: dotted(await createImageBitmap(await response.blob()), colour) };
  });
}

/** Return the tile addresses of a mask; `plain` is the colour ("#rrggbb") of "inside the method's range", left open. */
export function reasons(url: string, plain: string): string {
  return `${SCHEME}://${plain.slice(1)}|${url}?unknown=transparent`;
}

function dotted(image: ImageBitmap, plain: string): ImageBitmap {
  const { width, height } = image;
  const canvas = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true }) as Canvas;
  canvas.drawImage(image, 0, 0);
  const pixels = canvas.getImageData(0, 0, width, height);
  const open = [0, 2, 4].map((at) => parseInt(plain.slice(at, at + 2), 16));
  const data = pixels.data;
  for (let at = 0; at < data.length; at += 4) {
    if (data[at] === open[0] && data[at + 1] === open[1] && data[at + 2] === open[2]) data[at + 3] = 0;
  }
  canvas.putImageData(pixels, 0, 0);
  canvas.globalCompositeOperation = "source-in";
  canvas.fillStyle = dots(canvas);
  canvas.fillRect(0, 0, width, height);
  return canvas.canvas.transferToImageBitmap();
}

function dots(canvas: Canvas): CanvasPattern {
  const tile = new OffscreenCanvas(PERIOD, PERIOD);
  const one = tile.getContext("2d") as Canvas;
  for (const [x, y] of [[2, 2], [6, 6]] as const) {
    one.fillStyle = "rgba(255, 255, 255, 0.55)";
    one.beginPath();
    one.arc(x, y, 1.5, 0, 7);
    one.fill();
    one.fillStyle = "rgba(24, 28, 34, 0.7)";
    one.beginPath();
    one.arc(x, y, 0.9, 0, 7);
    one.fill();
  }
  return canvas.createPattern(tile, "repeat") as CanvasPattern;
}
