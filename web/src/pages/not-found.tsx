import { Empty } from "../patterns/empty";
import { PageHead } from "../patterns/detail";
import { Link, useRouter } from "../router/router";

export default function NotFound() {
  const { path } = useRouter().place;
  return (
    <>
      <PageHead title="No such page" />
      <div className="card">
        <Empty icon="search" title="Nothing is at this address">
          <p>
            <code>{path}</code> is no page of Lockgate. Search with <kbd>Ctrl</kbd> <kbd>K</kbd>, or go to the{" "}
            <Link to="/">Overview</Link>.
          </p>
        </Empty>
      </div>
    </>
  );
}
