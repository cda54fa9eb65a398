// Colours of probabilities, from light to dark: from, to, colour.
export const CHANCES = [
  [0, 0.25, "#fde8b4"],
  [0.25, 0.5, "#f5a83c"],
  [0.5, 0.75, "#d9512c"],
  [0.75, 1, "#8c1f3f"],
] as const;
