// The icon set: 16 × 16, one stroke, drawn for Lockgate. An icon stands beside a word or is hidden from screen readers.
const paths = {
  overview: "M2.5 13.5v-5M6.2 13.5v-9M9.8 13.5v-6M13.5 13.5v-11",
  assets: "M2.5 4.5h11M2.5 8h11M2.5 11.5h11M6 2.5v11",
  lineage: "M3 5.5h2a2 2 0 0 1 2 2v1a2 2 0 0 0 2 2h2M3 5.5h8M2.2 5.5h.1M12.5 5.5h.1M12.5 10.5h.1",
  runs: "M2.5 4h5M5.5 8h6M8.5 12h5",
  query: "M3 4.5l3.5 3.5L3 11.5M8 12h5",
  audit: "M4 2.5h8v11H4zM6.2 5.5h3.6M6.2 8h3.6M6.2 10.5h2",
  settings: "M2.5 5h6M11.5 5h2M2.5 11h2M7.5 11h6M10 3.5v3M6 9.5v3",
  gate: "M3.5 2.5v11M12.5 2.5v11M3.5 5l4.5 2.5L12.5 5M3.5 11L8 8.5l4.5 2.5",
  check: "M3 8.5l3.2 3.2L13 4.8",
  cross: "M4 4l8 8M12 4l-8 8",
  warning: "M8 2.8l5.7 10.2H2.3zM8 6.5v3M8 11.3v.1",
  clock: "M8 2.2a5.8 5.8 0 1 1 0 11.6A5.8 5.8 0 0 1 8 2.2zM8 5v3.2l2.2 1.3",
  behind: "M8 3L3.5 8 8 13M12.5 3L8 8l4.5 5",
  stale: "M13 8a5 5 0 1 1-1.6-3.7M13 2.5v3h-3",
  empty: "M8 2.5a5.5 5.5 0 1 1 0 11 5.5 5.5 0 0 1 0-11z",
  inline: "M6 4L2.5 8 6 12M10 4l3.5 4L10 12",
  running: "M8 2.2a5.8 5.8 0 0 1 5.8 5.8",
  search: "M7 2.5a4.5 4.5 0 1 1 0 9 4.5 4.5 0 0 1 0-9zM10.4 10.4l3.1 3.1",
  chevron: "M6 3.5L10.5 8 6 12.5",
  down: "M3.5 6L8 10.5 12.5 6",
  up: "M3.5 10L8 5.5l4.5 4.5",
  copy: "M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3",
  menu: "M2.5 4.5h11M2.5 8h11M2.5 11.5h11",
  sun: "M8 5.2a2.8 2.8 0 1 1 0 5.6 2.8 2.8 0 0 1 0-5.6zM8 1.5v1.2M8 13.3v1.2M1.5 8h1.2M13.3 8h1.2M3.4 3.4l.9.9M11.7 11.7l.9.9M12.6 3.4l-.9.9M4.3 11.7l-.9.9",
  moon: "M13.2 9.6A5.6 5.6 0 1 1 6.4 2.8a4.6 4.6 0 0 0 6.8 6.8z",
  system: "M2.5 3h11v7.5h-11zM6 13.2h4M8 10.5v2.7",
  play: "M4.5 3l8 5-8 5z",
  pause: "M5.5 3.5v9M10.5 3.5v9",
  stop: "M4 4h8v8H4z",
  back: "M6.5 4L2.5 8l4 4M2.5 8h7a4 4 0 0 1 4 4",
  download: "M8 2.5v8M4.5 7.5L8 11l3.5-3.5M2.5 13.5h11",
  share: "M6.5 9.5l3-3M7 4.5l1.2-1.2a2.9 2.9 0 0 1 4.1 4.1L11 8.7M9 11.5l-1.2 1.2a2.9 2.9 0 0 1-4.1-4.1L5 7.3",
  plus: "M8 3v10M3 8h10",
  minus: "M3 8h10",
  changed: "M8 3v6M5 6h6M5 12h6",
  key: "M5.5 8a2.5 2.5 0 1 1 0 .1M8 8h5.5M11.5 8v2.5",
  mute: "M3 6.2v3.6h2.3L8.5 12.5v-9L5.3 6.2zM11 6.5l3 3M14 6.5l-3 3",
  bookmark: "M4.5 2.5h7v11L8 10.7l-3.5 2.8z",
  person: "M8 2.5a2.6 2.6 0 1 1 0 5.2 2.6 2.6 0 0 1 0-5.2zM2.8 13.5c.5-2.6 2.5-4 5.2-4s4.7 1.4 5.2 4",
  command:
    "M5.5 5.5h5v5h-5zM5.5 5.5h-1a1.5 1.5 0 1 1 1-1zM10.5 5.5h1a1.5 1.5 0 1 0-1-1zM5.5 10.5h-1a1.5 1.5 0 1 0 1 1zM10.5 10.5h1a1.5 1.5 0 1 1-1 1z",
} as const;

export type IconName = keyof typeof paths;

export function Icon({ name, size = 16, className = "" }: { name: IconName; size?: number; className?: string }) {
  return (
    <svg
      className={`icon icon-${name} ${className}`}
      width={size}
      height={size}
      viewBox="0 0 16 16"
      aria-hidden="true"
      focusable="false"
    >
      <path d={paths[name]} />
    </svg>
  );
}
