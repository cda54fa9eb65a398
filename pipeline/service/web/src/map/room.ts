// How much of the map the cards leave free, so that what is gone to does not come to lie under them.

export interface Padding {
  top: number;
  left: number;
  right: number;
  bottom: number;
}

/** Space between what is gone to and a card or the map's edge, pixels. */
const MARGIN = 20;

/** Least share of the map's width and height that is left, however large the cards are. */
const LEAST = 0.4;

/** Width of the zoom buttons with what is around them, pixels. */
const BUTTONS = 56;

/** Return what lies under the cards at each edge of the map; null while the panel leaves next to nothing of the map itself. */
export function roomIn(container: HTMLElement): Padding | null {
  const stage = container.getBoundingClientRect();
  if (Math.min(stage.width, stage.height) < MARGIN) return null;
  const card = (name: string) => container.parentElement?.querySelector(name)?.getBoundingClientRect();
  const [legend, timeline] = [card(".legend"), card(".timeline")];
  const below = timeline ? stage.bottom - timeline.top : 0;
  const [beside, above] = legend ? [legend.right - stage.left, legend.bottom - stage.top] : [0, 0];
  const [width, height] = [stage.width - BUTTONS, stage.height - below];
  // Whichever leaves more: to be beside the legend or below it.
  const isBeside = (width - beside) * height >= width * (height - above);
  const [left, right] = fit(isBeside ? beside : 0, BUTTONS, stage.width);
  const [top, bottom] = fit(isBeside ? 0 : above, below, stage.height);
  return { top, left, right, bottom };
}

/** Return two paddings with their margins, made smaller where they leave too little between them. */
function fit(one: number, other: number, all: number): [number, number] {
  const wanted = one + other + 2 * MARGIN;
  const share = Math.min(1, ((1 - LEAST) * all) / wanted);
  return [(one + MARGIN) * share, (other + MARGIN) * share];
}
