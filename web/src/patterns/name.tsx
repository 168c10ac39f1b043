import { assetPath, Link } from "../router/router";

/** An asset's name as a link; the schema steps back so that the table is what the eye finds. */
export function AssetLink({ name, to }: { name: string; to?: string }) {
  return (
    <Link to={to ?? assetPath(name)} className="name">
      <NameText name={name} />
    </Link>
  );
}
export function NameText({ name }: { name: string }) {
  const dot = name.indexOf(".");
  return (
    <>
      <span className="schema">{name.slice(0, dot + 1)}</span>
      {/* A name may break after an underscore, never inside a word. */}
      {name
        .slice(dot + 1)
        .split("_")
        .map((part, i) =>
          i === 0 ? (
            part
          ) : (
            <span key={i}>
              _<wbr />
              {part}
            </span>
          ),
        )}
    </>
  );
}
/** Names in a row, the rest as a number. */
export function AssetLinks({ names, most = 6 }: { names: string[]; most?: number }) {
  if (names.length === 0) return <span className="faint">none</span>;
  return (
    <span className="row">
      {names.slice(0, most).map((name) => (
        <AssetLink key={name} name={name} />
      ))}
      {names.length > most && <span className="muted">and {names.length - most} more</span>}
    </span>
  );
}
