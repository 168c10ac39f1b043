// Reading a chart value by value, by pointer or by keys: what every chart's svg needs for it.
import { useId, useRef, useState, type KeyboardEvent, type PointerEvent, type RefObject, type SVGProps } from "react";

interface Readable {
  /** How many values there are. */
  count: number;
  /** Where the first arrow key begins. */
  start?: number;
  /** Where the plot lies in the svg, in pixels. */
  left: number;
  inner: number;
  /** Which value lies at a share of the plot's width. */
  nearest: (share: number) => number;
}

interface Reading {
  /** The value that is read; null when none is. */
  at: number | null;
  /** The id of what tells it. */
  readout: string;
  /** For the svg. */
  props: SVGProps<SVGSVGElement> & { ref: RefObject<SVGSVGElement | null> };
}

export function useReading({ count, start = 0, left, inner, nearest }: Readable): Reading {
  const [at, setAt] = useState<number | null>(null);
  const readout = useId();
  const svg = useRef<SVGSVGElement>(null);
  const move = (to: number) => setAt(Math.max(0, Math.min(count - 1, to)));
  const point = (event: PointerEvent) => {
    const box = svg.current?.getBoundingClientRect();
    if (box && count > 0) move(nearest((event.clientX - box.left - left) / inner));
  };
  const press = (event: KeyboardEvent) => {
    const by = { ArrowRight: 1, ArrowLeft: -1, PageDown: 24, PageUp: -24 }[event.key];
    if (by !== undefined) move(at === null ? (by > 0 ? start : count - 1) : at + by);
    else if (event.key === "Home") move(0);
    else if (event.key === "End") move(count - 1);
    else return;
    event.preventDefault();
  };
  const forget = () => setAt(null);
  return {
    at,
    readout,
    props: {
      ref: svg,
      role: "img",
      "aria-describedby": readout,
      tabIndex: 0,
      onPointerMove: point,
      onPointerDown: point,
      onPointerLeave: forget,
      onKeyDown: press,
      onBlur: forget,
    },
  };
}
