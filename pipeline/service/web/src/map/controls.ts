// The map's own controls and credits, in the reader's language.
import { AttributionControl, NavigationControl, ScaleControl, type Map } from "maplibre-gl";
import type { State } from "../state.ts";
import { say } from "../words.ts";

/** Put the controls on the map; what is returned says them again in another language. */
export function addControls(map: Map, container: HTMLElement, state: State): (state: State) => void {
  map.addControl(new NavigationControl({ showCompass: false }), "top-right");
  const scale = new ScaleControl({ maxWidth: 110 });
  let credits = creditsIn(state);
  const room = new ResizeObserver(([entry]) => leaveRoom(container, entry?.target as HTMLElement));
  const put = () => {
    map.addControl(credits, "bottom-right");
    map.addControl(scale, "bottom-right");
    const element = container.querySelector(".maplibregl-ctrl-attrib");
    if (element) room.observe(element);
  };
  put();
  name(map, state);
  return (now) => {
    room.disconnect();
    map.removeControl(credits).removeControl(scale);
    credits = creditsIn(now);
    put();
    name(map, now);
  };
}

/** Tell the page how high the credits are, so that the cards stay above them in every language. */
function leaveRoom(container: HTMLElement, credits: HTMLElement): void {
  container.parentElement?.style.setProperty("--credits", `${credits.offsetHeight}px`);
}

/** Name what is touched; MapLibre itself does so only once, in the language that the map begins with. */
function name(map: Map, { language }: State): void {
  for (const [control, key] of [["in", "map.zoomIn"], ["out", "map.zoomOut"]] as const) {
    const button = map.getContainer().querySelector(`.maplibregl-ctrl-zoom-${control}`);
    for (const attribute of ["title", "aria-label"]) button?.setAttribute(attribute, say(language, key));
  }
  map.getCanvas().setAttribute("aria-label", say(language, "map.keys"));
}

/** Return who is to be credited, and whose borders these are. */
function creditsIn({ language, start }: State): AttributionControl {
  const whose = start?.borders.attribution;
  const borders = whose ? say(language, "map.borders", { whose }) : say(language, "map.noBorders");
  return new AttributionControl({ compact: false, customAttribution: [say(language, "map.land"), escape(borders), say(language, "map.places")] });
}

function escape(text: string): string {
  return text.replace(/[&<>]/g, (letter) => `&#${letter.charCodeAt(0)};`);
}
