// What must not be missed: this is an exercise, or the picture is old.
import { moment } from "../moments.ts";
import type { State } from "../state.ts";
import { say } from "../words.ts";

export function Banners({ state }: { state: State }) {
  const { language } = state;
  const exercise = state.status?.exercise ?? state.start?.exercise ?? null;
  const synthetic = Object.values(state.items).some((items) => items.some((item) => item.properties["hazmon:synthetic"]));
  return (
    <div class="banners">
      {exercise !== null && (
        <div class="banner exercise" role="note">
          <strong>{say(language, "banner.exercise")}</strong>
          <span class="what">{say(language, "banner.exerciseText")}</span>
          <span class="which" lang="en" title={exercise}>{names(exercise)}</span>
        </div>
      )}
      {exercise === null && synthetic && (
        <div class="banner exercise" role="note">
          <strong>{say(language, "banner.synthetic")}</strong>
          <span class="what">{say(language, "banner.syntheticText")}</span>
        </div>
      )}
      {state.live === "lost" && (
        <div class="banner lost" role="alert">
          <strong>{say(language, "banner.lost")}</strong>
          <span class="what">
            {state.answered > 0
              ? say(language, "banner.lostSince", { time: answeredAt(state) })
              : say(language, "banner.never")}
          </span>
        </div>
      )}
    </div>
  );
}

/** Return when the service last answered, by the clock that the head of the page shows. */
function answeredAt({ answered, frozen, language }: State): string {
  const at = moment(new Date(answered).toISOString(), language);
  return frozen === null ? at : `${at} · ${say(language, "clock.exercise")}`;
}

/** Return the short names in a note such as "EXERCISE zhaiyk-2024: a drill with ..."; the note itself where it has none. */
function names(note: string): string {
  const found = [...note.matchAll(/EXERCISE ([\w-]+)/g)].map((match) => match[1]);
  return found.length > 0 ? found.join(", ") : note;
}
