import type { ReactNode } from "react";
import { Icon, type IconName } from "../icons/icon";
import { Command } from "./command";
import "./empty.css";

/** Nothing here: why that is so, and what to do next. */
export function Empty({
  icon = "empty",
  title,
  children,
  command,
  compact = false,
}: {
  icon?: IconName;
  title: string;
  children?: ReactNode;
  command?: string;
  compact?: boolean;
}) {
  return (
    <div className={`empty${compact ? " compact" : ""}`}>
      <Icon name={icon} size={compact ? 16 : 24} />
      <p className="empty-title">{title}</p>
      {children && <div className="muted">{children}</div>}
      {command && <Command text={command} />}
    </div>
  );
}
