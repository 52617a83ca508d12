import type { ComponentChildren } from 'preact';

interface Column<T> {
  name: string;
  cell: (row: T) => ComponentChildren;
  isNumber?: boolean;
  /** The cell names the row. */
  isHeading?: boolean;
}

interface Props<T> {
  caption: string;
  columns: readonly Column<T>[];
  rows: readonly T[];
  keyOf: (row: T) => string;
}

/** A table. On a narrow screen, each row is a card that names its columns; the roles keep the table for screen readers. */
export function DataTable<T>({ caption, columns, rows, keyOf }: Props<T>) {
  return (
    <table class="data-table" role="table">
      <caption class="visually-hidden">{caption}</caption>
      <thead role="rowgroup">
        <tr role="row">
          {columns.map(({ name, isNumber }) => (
            <th key={name} role="columnheader" scope="col" class={isNumber ? 'amount' : undefined}>
              {name}
            </th>
          ))}
        </tr>
      </thead>
      <tbody role="rowgroup">
        {rows.map((row) => (
          <tr key={keyOf(row)} role="row">
            {columns.map(({ name, cell, isNumber, isHeading }) => {
              const shared = { 'data-column': name, class: isNumber ? 'amount' : undefined };
              return isHeading ? (
                <th key={name} role="rowheader" scope="row" {...shared}>
                  {cell(row)}
                </th>
              ) : (
                <td key={name} role="cell" {...shared}>
                  {cell(row)}
                </td>
              );
            })}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
