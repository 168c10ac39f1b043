import { useEffect, useRef, useState, type RefObject } from "react";

/** The width of an element in CSS pixels, followed as it changes. */
export function useWidth<T extends Element>(initial: number): [RefObject<T | null>, number] {
  const place = useRef<T>(null);
  const [width, setWidth] = useState(initial);
  useEffect(() => {
    if (!place.current) return;
    const observer = new ResizeObserver(([entry]) => {
      if (entry) setWidth(Math.floor(entry.contentRect.width));
    });
    observer.observe(place.current);
    return () => observer.disconnect();
  }, []);
  return [place, width];
}
