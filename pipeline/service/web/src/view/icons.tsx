// Signs: each stands beside a word, none says anything by colour alone.
import type { ComponentChildren } from "preact";
import type { FeedState, Severity } from "../wire.ts";

function Sign({ children, size = 16, class: name = "" }: { children: ComponentChildren; size?: number; class?: string }) {
  return (
    <svg class={`sign ${name}`} width={size} height={size} viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      {children}
    </svg>
  );
}

const line = { fill: "none", stroke: "currentColor", "stroke-width": 1.7, "stroke-linecap": "round", "stroke-linejoin": "round" } as const;

export const Close = () => <Sign><path {...line} d="M3.5 3.5l9 9M12.5 3.5l-9 9" /></Sign>;
export const Play = () => <Sign><path fill="currentColor" d="M4.5 2.8v10.4a.6.6 0 0 0 .9.5l8.2-5.2a.6.6 0 0 0 0-1L5.4 2.3a.6.6 0 0 0-.9.5z" /></Sign>;
export const Pause = () => <Sign><path fill="currentColor" d="M4 2.5h2.6v11H4zM9.4 2.5H12v11H9.4z" /></Sign>;
export const Back = () => <Sign><path {...line} d="M10 3L5 8l5 5" /></Sign>;
export const Forth = () => <Sign><path {...line} d="M6 3l5 5-5 5" /></Sign>;
export const Down = () => <Sign><path {...line} d="M3 6l5 5 5-5" /></Sign>;
export const Copy = () => <Sign><path {...line} d="M6.5 9.5l3-3M7 4.7l1.4-1.4a2.9 2.9 0 0 1 4.2 4.2L11.2 9M9 11.3l-1.4 1.4a2.9 2.9 0 0 1-4.2-4.2L4.8 7" /></Sign>;
export const Target = () => <Sign><circle {...line} cx="8" cy="8" r="4.6" /><path {...line} d="M8 1.2v3M8 11.8v3M1.2 8h3M11.8 8h3" /></Sign>;
export const Sheet = () => <Sign><path {...line} d="M2 3.5h12M2 8h12M2 12.5h12M6 3.5v9" /></Sign>;
export const Theme = () => <Sign><circle {...line} cx="8" cy="8" r="5.6" /><path fill="currentColor" d="M8 2.4a5.6 5.6 0 0 1 0 11.2z" /></Sign>;
export const Leaf = () => <Sign><path {...line} d="M4 2h5l3.5 3.5V14H4zM9 2v3.5h3.5" /></Sign>;

export function HazardSign({ layer }: { layer: string }) {
  switch (layer) {
    case "shaking":
      return <Sign size={18}><path {...line} d="M1 8h2.2l1.6-4.5L7.6 13l2.2-7.5 1.4 2.5H15" /></Sign>;
    case "aftershocks":
      return <Sign size={18}><path {...line} d="M1 9h1.8L4.5 2.5 6.8 14l1.6-6.5L9.7 11l1.2-3.5.9 1.5H15" /></Sign>;
    case "landslide":
      return <Sign size={18}><path {...line} d="M1.5 13.5h13M2 13.5L6 3l2.5 4 5.5 6.5" /><circle cx="11.6" cy="6.2" r="1.3" fill="currentColor" /></Sign>;
    case "liquefaction":
      return <Sign size={18}><path {...line} d="M5 8V3.5L8 1.5l3 2V8M1.5 10.5c1.6-1.3 2.7-1.3 4.3 0s2.7 1.3 4.3 0 2.7-1.3 4.4 0M1.5 13.8c1.6-1.3 2.7-1.3 4.3 0s2.7 1.3 4.3 0 2.7-1.3 4.4 0" /></Sign>;
    case "flood_extent":
      return <Sign size={18}><path {...line} d="M3 7.5L8 3l5 4.5M1.5 10.5c1.6-1.3 2.7-1.3 4.3 0s2.7 1.3 4.3 0 2.7-1.3 4.4 0M1.5 13.8c1.6-1.3 2.7-1.3 4.3 0s2.7 1.3 4.3 0 2.7-1.3 4.4 0" /></Sign>;
    case "fire_weather":
      return <Sign size={18}><path {...line} d="M8 1.5c.5 2.6 4.3 4.2 4.3 8A4.3 4.3 0 0 1 8 14.3a4.3 4.3 0 0 1-4.3-4.6c.1-1.6 1-2.6 1.6-3.4.4 1 .8 1.5 1.5 1.8C6.400 5.500 7 3 8 1.500z" /></Sign>;
    case "exposure":
      return <Sign size={18}><circle {...line} cx="8" cy="4.6" r="2.6" /><path {...line} d="M2.800 14c.3-3.200 2.400-4.800 5.200-4.800s4.900 1.600 5.200 4.800" /></Sign>;
    case "facilities":
      return <Sign size={18}><path {...line} d="M2 14V6.500L8 2.500l6 4V14zM8 6.500v4M6 8.500h4" /></Sign>;
    default:
      return <Sign size={18}><path {...line} d="M8 2l6.500 11.500h-13zM8 6.500v3.200M8 11.600v.1" /></Sign>;
  }
}

const LEVELS: Record<Severity, number> = { Extreme: 4, Severe: 3, Moderate: 2, Minor: 1, Unknown: 0 };

/** Four bars, as many filled as the alert is severe. */
export function SeveritySign({ severity }: { severity: Severity }) {
  const level = LEVELS[severity] ?? 0;
  return (
    <svg class={`bars ${severity.toLowerCase()}`} width="20" height="18" viewBox="0 0 20 18" aria-hidden="true" focusable="false">
      {[0, 1, 2, 3].map((bar) => {
        const height = 6 + bar * 4;
        return <rect key={bar} x={bar * 5 + 0.5} y={18 - height} width="4" height={height - 0.5} rx="1" class={bar < level ? "on" : "off"} />;
      })}
    </svg>
  );
}

export function StateSign({ state }: { state: FeedState }) {
  switch (state) {
    case "good":
      return <Sign class="good"><path {...line} stroke-width={2.2} d="M3 8.500l3.300 3.300L13 4.500" /></Sign>;
    case "late":
      return <Sign class="late"><circle {...line} cx="8" cy="8" r="6" /><path {...line} d="M8 4.600V8l2.300 1.600" /></Sign>;
    case "failing":
      return <Sign class="failing"><path {...line} stroke-width={2.200} d="M4 4l8 8M12 4l-8 8" /></Sign>;
    case "never":
      return <Sign class="never"><circle {...line} cx="8" cy="8" r="5.600" stroke-dasharray="2 2.600" /></Sign>;
    default:
      return <Sign class="off"><path {...line} stroke-width={2.200} d="M3.500 8h9" /></Sign>;
  }
}
